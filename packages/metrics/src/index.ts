export { connectedComponents } from './components.js'
export { prCurve, rocCurve } from './curves.js'
export {
  bestEpochs,
  evaluateImages,
  scoresAndLabels,
  type BestEpochs,
  type DetectionMetrics,
  type EpochEvaluation,
  type Evaluation,
  type MappedImage,
  type Protocol,
  type ScoredImage,
  type TimedEvaluation,
} from './evaluation.js'
export { scoreHistogram } from './histogram.js'
export { PixelMetrics } from './pixel-metrics.js'
export { auroc, averagePrecision, confusionAt, f1Max } from './rates.js'
