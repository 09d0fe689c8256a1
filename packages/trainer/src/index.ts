export { assembleDetector } from './assemble.js'
export { authorsCheckpoint } from './authors-checkpoint.js'
export { software } from './calibrate.js'
export { decodeCheckpoint, type CheckpointStore } from './checkpoint.js'
export { epochEvaluations } from './epoch-evaluations.js'
export { evaluate, results } from './evaluate.js'
export type { EvaluateOptions, EvaluationResult, ImageScore } from './evaluate.js'
export type {
  BestEpoch,
  BestEpochs,
  DefectRow,
  DetectionMetrics,
  EpochEvaluation,
  Evaluation,
  ImageResult,
  LocalisationMetrics,
  OperatingPoint,
  Protocol,
  Timing,
} from './evaluation.js'
export { fit } from './fit.js'
export { bestEpochs, evaluatePaper } from './paper-protocol.js'
export type { PaperProtocolOptions } from './paper-protocol.js'
export type { OnProgress, Progress, Stage } from './progress.js'
export { splitHeldOut } from './split.js'
export { fileScorer } from './scorer.js'
export type { Scored, Scorer } from './scorer.js'
