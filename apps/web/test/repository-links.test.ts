import { expect, it } from 'vitest'
import { linksTo } from '../tools/vite/repository-links.ts'

it('leads to the source and the guide, on any host', () => {
  const links = (url: string) => [...linksTo(url).matchAll(/href="([^"]*)"/g)].map((m) => m[1])
  expect(links('https://host.example/us/ad/blob/main')).toEqual([
    'https://host.example/us/ad',
    'https://host.example/us/ad/blob/main/docs/guide/first-detector.md',
  ])
  expect(links('https://git.example/us/ad/-/blob/main/')[0]).toBe('https://git.example/us/ad')
  expect(linksTo('https://host.example/a"><b')).not.toContain('<b')
  expect(() => linksTo('javascript:alert(1)')).toThrow('no address')
})
