import { expect, it } from 'vitest'
import { passText, standingOut } from './learning.js'

it('says how much stands out by the colours of the first pass', () => {
  const map = (share: number) => Float32Array.from({ length: 2000 }, (_, i) => (i < 2000 * share ? 8 : 3)) // prettier-ignore
  expect(standingOut(map(0), [2, 10])).toBe('nothing stands out')
  expect(standingOut(map(0.0005), [2, 10])).toBe('under 0.1 % stands out')
  expect(standingOut(map(0.025), [2, 10])).toBe('2.5 % stands out')
  expect(standingOut(map(0.5), [2, 10])).toBe('50 % stands out')
  // what is high in a lower scale is not in a higher one
  expect(standingOut(map(0.5), [2, 20])).toBe('nothing stands out')
})

it('says of which images the maps are, and after which pass', () => {
  const image = { index: 0, id: '', map: new Float32Array() }
  const preview = { pass: 0, passes: 4, source: 'held-out', images: [image, image] } as const
  expect(passText(preview)).toBe(
    'Before the first pass: 2 good images that it does not learn from.',
  )
  expect(passText({ ...preview, pass: 3, source: 'training', images: [image] })).toBe(
    'After pass 3 of 4: a good image that it learns from, as there are too few to keep some out.',
  )
})
