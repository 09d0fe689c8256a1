export { adamFeeds } from './training/adam.js'
export { flowOfState } from './flow/checkpoint.js'
export {
  allParameters,
  clampSchema,
  flatten,
  flowTransform,
  initialiseFlow,
  parameterShapes,
  permutationSchema,
  unflatten,
} from './flow/flow.js'
export type { FlowConfig, FlowParameters, ScaleFlow } from './flow/flow.js'
export { flowOf, logLikelihood, samples } from './flow/density.js'
export type { Engine, Flow, RowOptions } from './flow/density.js'
export { readFlow } from './flow/read.js'
export { latentLogLikelihood, lossOf, perDimension, type Loss } from './flow/likelihood.js'
export { globalAffine, permutation } from './transforms/affine.js'
export { compose, type Part } from './transforms/compose.js'
export { conditionRows, type Condition } from './transforms/condition.js'
export {
  coupling,
  couplingFormSchema,
  type CouplingForm,
  type CouplingOptions,
} from './transforms/coupling.js'
export { spreadOf, standardisation, type Spread } from './transforms/standardisation.js'
export { constantValues, initialise } from './transforms/transform.js'
export type {
  FloatType,
  Mapped,
  MapSize,
  Parameters,
  ParameterShapes,
  Rows,
  Transform,
  Values,
} from './transforms/transform.js'
export { featureSums, whitening, whiteningFrom } from './transforms/whitening.js'
export type { FeatureSums, Whitening } from './transforms/whitening.js'
export { cholesky, haarRotation, invertLower, product, transposed } from './linalg.js'
export { conditionSize, positionalEncoding } from './positional.js'
export {
  cosineLearningRate,
  paperCosine,
  paperLearningRate,
  widthLearningRate,
} from './training/schedule.js'
export type { PaperSchedule } from './training/schedule.js'
export {
  optimisationStep,
  optimisationSteps,
  optimiserNames,
  trainable,
} from './training/optimise.js'
export type { Trainable } from './training/optimise.js'
export { joinState, parameterCount, splitState, stateGroups, stateNames } from './training/state.js'
export type { FlatState, StateGroup } from './training/state.js'
export {
  lossAndGradient,
  stepNames,
  stepState,
  trainingStep,
  trainingSteps,
} from './training/step.js'
export type { StepPositions, TrainingStepOptions } from './training/step.js'
export {
  addUpsampled,
  aggregationSchema,
  anomalyMap,
  anomalyMapValue,
  anomalyOf,
  combinedAnomaly,
  largestScore,
  statisticsOf,
  upsampledAnomaly,
} from './score/aggregation.js'
export type { Aggregation, ScaleStatistics } from './score/aggregation.js'
export { blur } from './score/blur.js'
export {
  calibratedThreshold,
  pValue,
  rateLimit,
  thresholdAt,
  type Threshold,
} from './score/calibration.js'
export {
  detectorNames,
  encode,
  encodePixels,
  imageLevels,
  evidenceModel,
  imageInput,
  rowsOfMap,
  writeDetector,
  type Encoder,
  type Evidence,
  type Head,
} from './detector-file/detector.js'
export {
  flowHead,
  likelihoodHead,
  scoredPixels,
  likelihoodMap,
  type FurtherScale,
} from './detector-file/flow-head.js'
export {
  manifestKey,
  methodTitle,
  parseManifest,
  type Manifest,
  type Tap,
} from './detector-file/manifest.js'
export { readDetectorParts, type DetectorParts } from './detector-file/parts.js'
export {
  normalise,
  paddedExtent,
  resample,
  resampledImage,
  resizeSchema,
  type Resize,
} from './detector-file/preprocess.js'
export { detectorStages } from './detector-file/stages.js'
