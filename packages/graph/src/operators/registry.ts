import type { Operator } from '../value.js'
import * as elementwise from './elementwise.js'
import * as indexing from './indexing.js'
import * as logic from './logic.js'
import * as matrix from './matrix.js'
import * as movement from './movement.js'
import * as quantization from './quantization.js'
import * as reduction from './reduction.js'
import * as topK from './top-k.js'
import * as vision from './vision.js'

const isOperator = (x: unknown): x is Operator =>
  typeof x === 'object' && x !== null && 'type' in x && 'infer' in x

/** Every operator of this package, by ONNX type: those of the files listed here. */
export const operators: ReadonlyMap<string, Operator> = new Map(
  [elementwise, indexing, logic, matrix, movement, quantization, reduction, topK, vision]
    .flatMap((module) => Object.values(module).filter(isOperator))
    .map((operator) => [operator.type, operator]),
)
