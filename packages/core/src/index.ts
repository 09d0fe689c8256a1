export { adamDefaults, adamFeeds, adamStep } from './training/adam.js'
export { flowOfState } from './flow/checkpoint.js'
export {
  blockShape,
  clampBound,
  clampSchema,
  flowConfigSchema,
  halves,
  initialGlobalScale,
  parameterShapes,
  permutationSchema,
} from './flow/config.js'
export type { BlockShape, FlowConfig } from './flow/config.js'
export { addRepeated, conditionPlaces, conditionRows, globalScale } from './flow/coupling.js'
export type { BlockValues, Condition } from './flow/coupling.js'
export { flowForward, flowInverse, flowValues, splitHalves } from './flow/flow.js'
export type { FlowResult } from './flow/flow.js'
export { logLikelihood, lossOf, perDimension } from './flow/likelihood.js'
export type { Loss } from './flow/likelihood.js'
export { flatten, initialiseFlow, mixingName, unflatten } from './flow/parameters.js'
export type { FloatType, FlowParameters } from './flow/parameters.js'
export { cholesky, haarRotation, invertLower, product, transposed } from './linalg.js'
export { axisEncoding, conditionSize, positionalEncoding } from './positional.js'
export {
  cosineLearningRate,
  paperCosine,
  paperLearningRate,
  widthLearningRate,
} from './training/schedule.js'
export type { PaperSchedule } from './training/schedule.js'
export {
  groupGradients,
  optimisationStep,
  optimisationSteps,
  optimiserNames,
  trainable,
} from './training/optimise.js'
export type { Trainable } from './training/optimise.js'
export { joinState, parameterCount, splitState, stateGroups, stateNames } from './training/state.js'
export type { FlatState, ParameterShapes, StateGroup } from './training/state.js'
export {
  lossAndGradient,
  stepNames,
  stepState,
  trainingStep,
  trainingSteps,
} from './training/step.js'
export type { StepPositions, TrainingStepOptions } from './training/step.js'
export { foldedLogLikelihood } from './flow/fold.js'
export { featureSums, whiteningFrom } from './flow/whitening.js'
export type { FeatureSums, Whitening } from './flow/whitening.js'
export {
  addUpsampled,
  aggregationSchema,
  anomalyMaps,
  anomalyMapValue,
  anomalyOf,
  anomalyValue,
  scaleStatisticsSchema,
  statisticsOf,
} from './score/aggregation.js'
export type { Aggregation, ScaleLikelihoods, ScaleStatistics } from './score/aggregation.js'
export { pValue, thresholdAt } from './score/calibration.js'
export type { Threshold } from './score/calibration.js'
export {
  detectorNames,
  encode,
  encodePixels,
  evidenceModel,
  imageInput,
  rowsOfMap,
  writeDetector,
  type Encoder,
  type Evidence,
  type Head,
} from './detector-file/detector.js'
export { flowHead, likelihoodMap, statisticsOfImages } from './detector-file/flow-head.js'
export type { ScaleFlow } from './flow/scale-flow.js'
export {
  manifestKey,
  manifestSchema,
  methodTitle,
  parseManifest,
  type Manifest,
  type Tap,
} from './detector-file/manifest.js'
export { normalise, resample, resampledImage } from './detector-file/preprocess.js'
export { detectorStages } from './detector-file/stages.js'
export { Random } from '@cflow/base'
