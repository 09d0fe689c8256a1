import { sep } from 'node:path'
import { expect, it } from 'vitest'
import { resultNames } from './names.js'

const names = (...images: string[]) => resultNames(images).map((n) => n.replaceAll(sep, '/'))

it('keeps names of one folder', () => {
  expect(names('photos/a.jpg', 'photos/b.png')).toEqual(['a', 'b'])
  expect(names('photos/a.jpg')).toEqual(['a'])
})

it('tells images of one name in different folders apart', () => {
  expect(names('x/a/1.png', 'x/b/1.png')).toEqual(['a/1', 'b/1'])
  expect(names('/one/a/1.png', '/two/1.png')).toEqual(['one/a/1', 'two/1'])
})

it('tells endings apart, and names that differ in case only', () => {
  expect(names('1.png', '1.jpg', '2.png')).toEqual(['1.png', '1.jpg', '2'])
  expect(names('A.png', 'a.jpg')).toEqual(['A.png', 'a.jpg'])
})

it('never gives one name twice', () => {
  const images = ['a.png', 'a.jpg', 'a.png.tif', 'A.PNG', 'a.jpg.gif']
  const given = names(...images)
  expect(new Set(given.map((n) => n.toLowerCase())).size).toBe(images.length)
})
