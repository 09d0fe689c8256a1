import type { Kernels } from '../kernel.js'
import { elementwise } from './elementwise.js'
import { matrix } from './matrix.js'
import { movement } from './movement.js'
import { quantization } from './quantization.js'
import { reductions } from './reduction.js'
import { vision } from './vision.js'

/** Operators that no graph of ours writes yet, by their ONNX names: a model that has one is refused. */
export const without: readonly string[] = []

/** Every operator that our graphs write, besides `Scan`, which is a loop over its body. */
export const kernels: Kernels = {
  ...elementwise,
  ...matrix,
  ...movement,
  ...quantization,
  ...reductions,
  ...vision,
}
