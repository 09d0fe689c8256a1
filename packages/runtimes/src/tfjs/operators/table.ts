import type { Kernels } from '../kernel.js'
import { elementwise } from './elementwise.js'
import { matrix } from './matrix.js'
import { movement } from './movement.js'
import { quantization } from './quantization.js'
import { reductions } from './reduction.js'
import { vision } from './vision.js'

/** Every operator that our graphs write, besides `Scan`, which is a loop over its body. */
export const kernels: Kernels = {
  ...elementwise,
  ...matrix,
  ...movement,
  ...quantization,
  ...reductions,
  ...vision,
}
