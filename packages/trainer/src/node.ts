export { fileCheckpoints } from './node/checkpoints.js'
export { jsonText, metricsDocument } from './node/metrics-document.js'
export { prepareRun, runPaths, writeRun } from './node/write-run.js'
