export { gradients } from './gradient.js'
export { readMetadata, readOnnx } from './onnx/read.js'
export type { OnnxModel } from './onnx/read.js'
export { opsetVersion, writeOnnx } from './onnx/write.js'
export type { OnnxOptions } from './onnx/write.js'
export { writeRepeated } from './onnx/write-repeated.js'
export { apply, applyAll, attribute, withInputs } from './operator.js'
export type { Operator, ValueType } from './operator.js'
export {
  abs,
  add,
  clip,
  cos,
  div,
  exp,
  floor,
  hardSigmoid,
  hardSwish,
  log,
  max,
  min,
  mul,
  neg,
  reciprocal,
  relu,
  scale,
  sigmoid,
  sin,
  softplus,
  sqrt,
  square,
  step,
  sub,
  tanh,
} from './operators/elementwise.js'
export { gather, range, sizeOfAxis, topK } from './operators/indexing.js'
export { and, equal, greater, less, where } from './operators/logic.js'
export { gemm, matMul } from './operators/matrix.js'
export {
  assumeShape,
  cast,
  concat,
  expand,
  expandLike,
  identity,
  pad,
  reshape,
  reshapeTo,
  shapeOf,
  slice,
  sliceBetween,
  split,
  transpose,
  zerosLike,
} from './operators/movement.js'
export { dequantize, dequantizeConstant, quantize } from './operators/quantization.js'
export type { ByteScale } from './operators/quantization.js'
export {
  reduceMax,
  reduceMean,
  reduceMin,
  reduceSum,
  reduceSumSquare,
} from './operators/reduction.js'
export { operators } from './operators/registry.js'
export {
  conv,
  globalAveragePool,
  maxPool,
  resizeBilinear,
  resizeNearest,
} from './operators/vision.js'
export type { ConvOptions } from './operators/vision.js'
export { topologicalOrder } from './order.js'
export {
  constant,
  constantOf,
  input,
  int64s,
  integersOf,
  scalar,
  shapeText,
  staticShape,
  unknownRank,
} from './value.js'
export type { Attribute, Attributes, Dim, Node, OperatorNode, Shape, Value } from './value.js'
