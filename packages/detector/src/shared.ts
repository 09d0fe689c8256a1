/** What both entries export. */
export { explain, plainDetection, thresholdFor, verdict } from './detection.js'
export type { Contribution, Detection, DetectionOf, Parts } from './detection.js'
export type { DetectOptions, LoadOptions } from './detector.js'
