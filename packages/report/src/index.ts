/** What needs no Node: heat maps and their colours, which examples to show, charts, and the types of results. */
export { chooseExamples, type Choice } from './choose-examples.js'
export { heatAlpha, heatColour, heatmapOverlay, heatRange } from './heatmap.js'
export { maskAbove, resampleMap } from './picture.js'
export type { Judged, Judgement, ReportExample } from './input.js'
export { densityPlot, densityView } from './section/densities.js'
