/** How anomaly maps become colours: one look in reports and in pages. Pure, for browsers too. */
export {
  heatAlpha,
  heatColour,
  heatRange,
  heatmapOverlay,
  maskAbove,
  thresholdColour,
} from './report/heatmap.js'
export type { HeatRange, HeatmapOptions } from './report/heatmap.js'
