/** What the package exports, and the parts of it that only its own tests need. */
export * from '../src/index.js'
export { applyAll } from '../src/operator.js'
export { opsetVersion } from '../src/onnx/write.js'
export { cos, min, reciprocal } from '../src/operators/elementwise.js'
export { expand, identity } from '../src/operators/movement.js'
export { operators } from '../src/operators/registry.js'
