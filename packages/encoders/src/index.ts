export {
  encoderModel,
  normalisations,
  normalised,
  onnxEncoderModel,
  runOnce,
  type EncoderModel,
} from './encoder-model.js'
export { onnxEncoder, onnxInputSize, onnxTaps } from './onnx/encoder.js'
export type { OnnxEncoderOptions, RunModel, TapCandidate } from './onnx/encoder.js'
export { encoderNames, encoderSpec } from './registry.js'
export type { EncoderOptions } from './registry.js'
export { selectTaps } from './spec.js'
export type { EncoderSpec, Padding, Parameter, PublishedWeights, TapInfo, Weights } from './spec.js'
export { convertWeights } from './weights/convert.js'
export { fitWeights } from './weights/fit.js'
export { toFloat32 } from './weights/float32.js'
export { readPth } from './weights/pth.js'
export { readWeights } from './weights/read.js'
export { readSafetensors } from './weights/safetensors-read.js'
export { writeSafetensors } from './weights/safetensors-write.js'
