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
  detectorOutputs,
  encode,
  encodePixels,
  imageInput,
  likelihoodMap,
  rowsOfMap,
  writeDetector,
} from './detector/graph.js'
export type { Encoder, ScaleFlow } from './detector/graph.js'
export { detectorStages, stageNames } from './detector/stages.js'
export type { DetectorStage, StageName } from './detector/stages.js'
export {
  manifestKey,
  manifestSchema,
  methodNames,
  methodSchema,
  parseManifest,
} from './detector/manifest.js'
export type { Manifest, Method } from './detector/manifest.js'
export { normalise, resample, resampledImage } from './detector/preprocess.js'
export { Random } from '@cflow/base'
