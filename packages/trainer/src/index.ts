export { assembleDetector } from './assemble.js'
export type { AssembleOptions } from './assemble.js'
export { authorsCheckpoint } from './authors-checkpoint.js'
export type { AuthorsCheckpoint, AuthorsCheckpointOptions } from './authors-checkpoint.js'
export { calibratedDetector } from './calibrate.js'
export { checkCheckpoint, decodeCheckpoint, encodeCheckpoint } from './checkpoint.js'
export type { Checkpoint, CheckpointStore } from './checkpoint.js'
export {
  onnxConfigSchema,
  recipes,
  recipeSchema,
  resolveConfig,
  trainConfigSchema,
} from './config.js'
export type { Recipe, TrainConfig, TrainOptions } from './config.js'
export { encoderModel, featureExtractor, likelihoodModel } from './encoding.js'
export type { EncoderModel, FeatureExtractor, ScaleShape } from './encoding.js'
export { epochEvaluations } from './epoch-evaluations.js'
export { evaluate, type EvaluateOptions, type EvaluationResult } from './evaluate.js'
export type { PassRecord } from './evaluation.js'
export { fit } from './fit.js'
export type { FitOptions, FitResult } from './fit.js'
export { judge, loadExamples } from './judge.js'
export { minimumImages } from './good-images.js'
export { splitHeldOut } from './held-out.js'
export { normalised } from './normalisation.js'
export type { Normalisation } from './normalisation.js'
export { onnxEncoderModel, runOnce } from './onnx-encoder.js'
export { evaluatePaper } from './paper-protocol.js'
export { ordered } from './pipeline.js'
export type { OnProgress, Progress, Stage } from './progress.js'
export { software } from './software.js'
export {
  baselineConfigSchema,
  baselineDefaults,
  baselineSettingsSchema,
  resolveBaseline,
} from './baselines/config.js'
export type { BaselineConfig, BaselineMethod } from './baselines/config.js'
export { fitBaseline } from './baselines/fit.js'
export type { BaselineOptions, BaselineResult } from './baselines/fit.js'
