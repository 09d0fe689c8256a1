import { expect, it } from 'vitest'
import { rarityOf } from './verdict-card.js'

it('tells how rare a score is by counting', () => {
  const good = [1, 2, 3, 4]
  expect(rarityOf(good, 5)).toBe('None of the 4 good images that set the threshold scores as high.')
  expect(rarityOf(good, 4)).toBe('1 of the 4 good images that set the threshold scores as high.')
  expect(rarityOf(good, 2.5)).toBe('2 of the 4 good images that set the threshold score as high.')
  expect(rarityOf([], 5)).toBe('')
})
