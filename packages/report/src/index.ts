/** What needs no Node: heat maps and their colours, which examples to show, charts, and the types of results. */
export { chooseExamples, type Choice } from './choose-examples.js'
export { heatAlpha, heatColour, heatmapOverlay, heatRange } from './heatmap.js'
export type { CalibrationImages, Judged, Judgement, ReportExample, ReportInput } from './input.js'
export { ownEvidence } from './outcome.js'
export { resampleMap } from './picture.js'
export { scoresCsv } from './scores-csv.js'
export { densityPlot, densityView } from './section/densities.js'
