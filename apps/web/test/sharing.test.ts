import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { temporaryFolder } from '@cflow/base/testing'
import sharp from 'sharp'
import { afterEach, beforeAll, expect, it, vi } from 'vitest'
import { build } from 'vite'
import { tagsOf } from '../tools/vite/sharing.ts'
import { appFolder, buildSite } from './site.ts'

beforeAll(buildSite)
afterEach(() => vi.unstubAllEnvs())

/** A built page, where it lies, and its files. */
async function built(site: string) {
  vi.stubEnv('CFLOW_SITE', site)
  vi.stubEnv('NODE_ENV', 'production')
  const folder = join(await temporaryFolder('sharing'), 'site')
  await build({ root: appFolder, logLevel: 'error', build: { outDir: folder } })
  const html = await readFile(join(folder, 'index.html'), 'utf8')
  return { folder, html, files: await readdir(folder) }
}

/** The contents of the page's tags, by their names. */
const metaOf = (html: string) =>
  Object.fromEntries(
    [...html.matchAll(/<meta\s+(?:property|name)="([^"]+)"\s+content="([^"]*)"/g)].map((m) => [
      ...[m[1], m[2]],
    ]),
  ) as Record<string, string>

it('other sites are told of the page’s address and picture, where the build knows them', async () => {
  const { folder, html, files } = await built('https://host.example/try')
  const meta = metaOf(html)
  expect(meta).toMatchObject({
    'og:title': 'What is not normal here?',
    'og:url': 'https://host.example/try/',
    'og:image': 'https://host.example/try/share.jpg',
    'twitter:card': 'summary_large_image',
  })
  expect(files).toContain('share.jpg')
  const picture = sharp(join(folder, 'share.jpg'))
  const { width, height, format } = await picture.metadata()
  expect({ width, height, format }).toEqual({ width: 1200, height: 630, format: 'jpeg' })
  expect([meta['og:image:width'], meta['og:image:height']]).toEqual(['1200', '630'])
  // the right half is the left one with a heat map: not the same, and not all of it another
  const half = (left: number) =>
    sharp(join(folder, 'share.jpg'))
      .extract({ left, top: 37, width: 555, height: 555 })
      .raw()
      .toBuffer()
  const [photo, drawn] = [await half(30), await half(615)]
  const changed = photo.filter((v, i) => Math.abs(v - drawn[i]!) > 60).length / photo.length
  expect(changed).toBeGreaterThan(0.002)
  expect(changed).toBeLessThan(0.5)
  // nothing the page needs without a network
  expect(await readFile(join(folder, 'sw.js'), 'utf8')).not.toContain('share.jpg')
})

it('without an address nothing is said of it', async () => {
  const { html, files } = await built('')
  expect(Object.keys(metaOf(html)).filter((k) => /url|image|twitter/.test(k))).toEqual([])
  expect(files).not.toContain('share.jpg')
})

it('an address is that of a page', () => {
  const url = (site: string) => tagsOf(site)[0]!.attrs!['content']
  expect(url('https://host.example')).toBe('https://host.example/')
  expect(url('https://host.example/a/index.html?x=1')).toBe('https://host.example/a/')
  for (const wrong of ['host.example', 'javascript:alert(1)', '/a'])
    expect(() => tagsOf(wrong)).toThrow('CFLOW_SITE')
})
