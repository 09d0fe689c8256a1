/** What both entries export. */
export {
  explain,
  plainDetection,
  thresholdFor,
  verdict,
  type AnomalyMap,
  type Contribution,
  type Detection,
  type DetectionOf,
  type Parts,
} from './detection.js'
