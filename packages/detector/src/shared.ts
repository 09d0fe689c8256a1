/** What both entries export. */
export {
  checkReach,
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
export { fetchBytes } from './fetch.js'
export { maskAbove } from './mask.js'
export { canLeaveOut, mapOutside, scoreOutside, type Region } from './outside.js'
export {
  knownDefectsOf,
  nearCopiesOf,
  promiseOf,
  type KnownDefects,
  type RatePromise,
} from './promise.js'
