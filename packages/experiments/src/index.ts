export { laboratory, type Laboratory, type LaboratoryOptions } from './laboratory.js'
export {
  reproduce,
  runShard,
  trainingsOf,
  somethingRan,
  writeIndex,
  type Reproduced,
} from './reproduce.js'
export { runTrial, type Outcome } from './conduct/run-trial.js'
export type { Result } from './result.js'
export { selectionSchema, type Selection } from './selection.js'
export { targetNames, type TargetName } from './targets/all.js'
export type { Trial } from './trial.js'
