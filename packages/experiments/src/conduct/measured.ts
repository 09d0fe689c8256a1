import type { Result } from '../result.js'
import type { Pictures } from './pictures.js'

/** The part of a result that a method gives. */
export type Measured = Pick<
  Result,
  'strict' | 'paper' | 'seconds' | 'bytes' | 'millisecondsPerImage'
> & { readonly pictures?: Pictures }
