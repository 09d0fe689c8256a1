import { CflowError } from '@cflow/base'
import { expect, it } from 'vitest'
import { friendly, isLostGpu } from './errors.js'

it.each([
  [
    new CflowError('IMAGE', 'a.heic is HEIC', { hint: 'Use PNG.' }),
    'cannot be read as an image',
    'a.heic is HEIC. Use PNG.',
  ],
  [new CflowError('MODEL', 'no manifest'), 'not a detector of this project', 'no manifest'],
  [new RangeError('Array buffer allocation failed'), 'Out of memory', 'Close other tabs'],
  [new CflowError('RUNTIME', 'the model could not be run: std::bad_alloc'), 'Out of memory', ''],
  [new CflowError('RUNTIME', 'SafeIntOnOverflow() Integer overflow'), 'Out of memory', ''],
  [new CflowError('TOO_FEW_IMAGES', '3 good images'), 'Too few images', '3 good images'],
  ['anything', 'Something went wrong', 'anything'],
])('%s is told in words', (error, title, text) => {
  expect(friendly(error).title).toContain(title)
  expect(friendly(error).text).toContain(text)
})

it('knows a lost GPU from other failures', () => {
  expect(isLostGpu(new Error('the GPU device was lost'))).toBe(true)
  expect(isLostGpu(new Error('[WebGPU] Device lost. Reason: unknown'))).toBe(true)
  expect(isLostGpu(new Error('the background worker was ended'))).toBe(false)
})
