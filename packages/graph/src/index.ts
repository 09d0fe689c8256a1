export { dtypeNumbered } from './element-types.js'
export { gradients } from './gradient.js'
export { withOutputs } from './onnx/expose.js'
export { readInner, readMetadata, readOnnx, type OnnxModel } from './onnx/read.js'
export { writeOnnx } from './onnx/write.js'
export { writeScan } from './onnx/write-scan.js'
export { apply, attribute, withInputs } from './operator.js'
export {
  abs,
  add,
  clip,
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
  relu,
  scale,
  sigmoid,
  sin,
  softplus,
  sqrt,
  square,
  sub,
  tanh,
} from './operators/elementwise.js'
export { gather, range, sizeOfAxis } from './operators/indexing.js'
export { less, where } from './operators/logic.js'
export { gemm, matMul } from './operators/matrix.js'
export {
  assumeShape,
  cast,
  concat,
  pad,
  reshape,
  slice,
  sliceBetween,
  split,
  transpose,
} from './operators/movement.js'
export {
  dequantize,
  dequantizeConstant,
  quantize,
  type ByteScale,
} from './operators/quantization.js'
export {
  reduceMax,
  reduceMean,
  reduceMin,
  reduceSum,
  reduceSumSquare,
} from './operators/reduction.js'
export { topK } from './operators/top-k.js'
export {
  conv,
  averagePool,
  globalAveragePool,
  maxPool,
  resizeBilinear,
  resizeNearest,
} from './operators/vision.js'
export { topologicalOrder } from './order.js'
export {
  constant,
  constantOf,
  input,
  int64s,
  scalar,
  shapeText,
  staticShape,
  unknownRank,
  type Attributes,
  type Node,
  type Operator,
  type OperatorNode,
  type Shape,
  type Value,
} from './value.js'
