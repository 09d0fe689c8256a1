import { floats } from '@cflow/base'
import { constant, mul, sub } from '@cflow/graph'
import type { Value } from '@cflow/graph'
import type { Standardisation } from './moments.js'

/** (x − mean)/deviation of rows [R, depth]. */
export function standardised(rows: Value, { mean, deviation }: Standardisation): Value {
  const row = (values: ArrayLike<number>) => constant(floats('float32', [1, values.length], values))
  return mul(sub(rows, row(mean)), row(deviation.map((s) => 1 / s)))
}
