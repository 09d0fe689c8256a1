import { expect, it } from 'vitest'
import { quicker } from './quicker.js'

it('threads prove themselves; where it is close they are taken', () => {
  expect(quicker(20, 40)).toBe('threads')
  expect(quicker(40, 38)).toBe('threads')
  expect(quicker(40, 20)).toBe('single')
})
