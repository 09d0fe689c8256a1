export { convertWeights, fitWeights } from './fit.js'
export {
  onnxEncoder,
  onnxInputSize,
  onnxTaps,
  type OnnxEncoderOptions,
  type RunModel,
} from './onnx/encoder.js'
export {
  encoderModel,
  normalisations,
  normalised,
  onnxEncoderModel,
  runOnce,
  type EncoderModel,
} from './encoder-model.js'
export { encoderNames, encoderSpec } from './registry.js'
export { selectTaps, type EncoderSpec, type PoolLayers } from './spec.js'
export { withImageScales } from './image-scales.js'
export { neighbourhoodsPattern, withNeighbourhoods } from './neighbourhoods.js'
