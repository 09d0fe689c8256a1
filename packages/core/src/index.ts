export { adamDefaults, adamFeeds, adamStep } from './training/adam.js'
export {
  blockShape,
  clampBound,
  flowConfigSchema,
  halves,
  initialGlobalScale,
  parameterShapes,
} from './flow/config.js'
export type { BlockShape, FlowConfig } from './flow/config.js'
export { addRepeated, conditionRows, globalScale } from './flow/coupling.js'
export type { BlockValues, Condition } from './flow/coupling.js'
export { flowForward, flowInverse, flowValues, splitHalves } from './flow/flow.js'
export type { FlowResult } from './flow/flow.js'
export { logLikelihood, lossOf, perDimension } from './flow/likelihood.js'
export type { Loss } from './flow/likelihood.js'
export {
  checkParameters,
  flatten,
  initialiseFlow,
  mixingName,
  unflatten,
} from './flow/parameters.js'
export type { FloatType, FlowParameters } from './flow/parameters.js'
export { cholesky, haarRotation, invertLower, product, transposed } from './linalg.js'
export { axisEncoding, conditionSize, positionalEncoding } from './positional.js'
export { cosineLearningRate, paperCosine, paperLearningRate } from './training/schedule.js'
export type { PaperSchedule } from './training/schedule.js'
export { lossAndGradient, stepNames, trainingStep } from './training/step.js'
export type { TrainingStepOptions } from './training/step.js'
export { Random } from '@cflow/base'
