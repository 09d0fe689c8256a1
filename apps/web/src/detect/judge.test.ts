import type { Detection } from '@cflow/detector'
import { expect, it } from 'vitest'
import type { Item } from './item.js'
import { summaryOf } from './judge.js'

const item = (score: number | undefined, truth?: string): Item => ({
  id: 0,
  name: '',
  url: '',
  blob: new Blob(),
  ...(truth && { truth }),
  ...(score !== undefined && { detection: { score } as Detection }),
})

it('counts against the truth where it is known, and what waits', () => {
  expect(summaryOf([item(9), item(1), item(undefined)], 5)).toBe('2 images, 1 anomalous, 1 waiting')
  expect(summaryOf([item(9, 'dent'), item(1, 'dent'), item(7, 'good'), item(1, 'good')], 5)).toBe(
    '4 images, 2 anomalous: found 1 of 2 defects, 1 false alarm',
  )
  const failed = { ...item(undefined), failure: { title: 'Out of memory', text: '' } }
  expect(summaryOf([item(1), failed, item(undefined)], 5)).toBe(
    '1 image, 0 anomalous, 1 without a verdict, 1 waiting',
  )
  expect(summaryOf([], 5)).toBe('0 images, 0 anomalous')
})
