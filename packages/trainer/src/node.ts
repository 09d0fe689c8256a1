export { fileCheckpoints } from './node/checkpoints.js'
export { jsonText, metricsDocument } from './node/metrics-document.js'
export { lockFolder } from './node/run-lock.js'
export { openRun, runPaths, type Run } from './node/run.js'
