import { expect, it } from 'vitest'
import { rarityOf, scaleNames } from './verdict-card.js'

it('tells how rare a score is by counting', () => {
  const good = [1, 2, 3, 4]
  expect(rarityOf(good, 5)).toBe('None of the 4 good images that set the threshold scores as high.')
  expect(rarityOf(good, 4)).toBe('1 of the 4 good images that set the threshold scores as high.')
  expect(rarityOf(good, 2.5)).toBe('2 of the 4 good images that set the threshold score as high.')
  expect(rarityOf([], 5)).toBe('')
})

it('calls no two scales the same', () => {
  const scales = [
    { tap: 'block1', stride: 4 },
    { tap: 'block2', stride: 8 },
    { tap: 'block2 3×3', stride: 8 },
    { tap: 'block2', stride: 8 },
  ]
  expect(scaleNames(scales, 3)).toEqual(['4 px scale', '8 px scale', '8 px, averaged', '8 px, memory']) // prettier-ignore
  expect(scaleNames([{ tap: 'block1+block2', stride: 8 }], 0)).toEqual(['8 px, memory'])
})
