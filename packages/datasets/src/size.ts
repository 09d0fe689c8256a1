import { CflowError } from '@cflow/base'

/**
 * Check the size of an image to be made.
 * @throws CflowError USAGE unless both are whole numbers from 1 to 32767 pixels
 */
export function checkSize(width: number, height: number): void {
  const fits = (n: number): boolean => Number.isInteger(n) && n >= 1 && n < 32768
  if (!fits(width) || !fits(height))
    throw new CflowError('USAGE', `an image cannot be ${width}×${height} pixels`, {
      hint: 'Width and height are whole numbers from 1 to 32767.',
    })
}
