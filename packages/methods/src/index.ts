export { cflow, passesPerMetaEpoch } from './cflow/cflow.js'
export { joinNearest, joinedShape, type MapShape } from './features.js'
export { mapVerdict } from './maps.js'
export {
  tapRows,
  type Extended,
  type Extraction,
  type Features,
  type FeatureSource,
  type Job,
  type Learned,
  type Method,
  type View,
} from './method.js'
export {
  methodOf,
  methods,
  resolveConfig,
  trainSettings,
  type MethodName,
  type TrainConfig,
  type TrainOptions,
} from './methods.js'
export { defaultChannels, padimBytes } from './padim/estimate.js'
export { mahalanobisMap } from './padim/padim.js'
export type { SettingMeta } from './settings.js'
export { galleryBytes, nearestImages, nearestPositions, spadeNeighbours } from './spade/spade.js'
export type { Epochs, PassRecord, TrainingState } from './training/loop.js'
