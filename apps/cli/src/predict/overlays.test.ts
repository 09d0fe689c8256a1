import { sep } from 'node:path'
import { expect, it } from 'vitest'
import { overlayNames } from './overlays.js'

const names = (...images: string[]) => overlayNames(images).map((n) => n.replaceAll(sep, '/'))

it('keeps names of one folder', () => {
  expect(names('photos/a.jpg', 'photos/b.png')).toEqual(['a.png', 'b.png'])
  expect(names('photos/a.jpg')).toEqual(['a.png'])
})

it('tells images of one name in different folders apart', () => {
  expect(names('x/a/1.png', 'x/b/1.png')).toEqual(['a/1.png', 'b/1.png'])
  expect(names('/one/a/1.png', '/two/1.png')).toEqual(['one/a/1.png', 'two/1.png'])
})

it('tells endings apart, and names that differ in case only', () => {
  expect(names('1.png', '1.jpg', '2.png')).toEqual(['1.png.png', '1.jpg.png', '2.png'])
  expect(names('A.png', 'a.jpg')).toEqual(['A.png.png', 'a.jpg.png'])
})

it('never gives one name twice', () => {
  const images = ['a.png', 'a.jpg', 'a.png.tif', 'A.PNG', 'a.jpg.gif']
  const given = names(...images)
  expect(new Set(given.map((n) => n.toLowerCase())).size).toBe(images.length)
})
