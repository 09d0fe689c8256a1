export { dfrTrainingStep, dfrVariance, initialAutoencoder } from './dfr/autoencoder.js'
export type { Autoencoder } from './dfr/autoencoder.js'
export { dfrHead, dfrRows } from './dfr/head.js'
export type { DfrModel } from './dfr/head.js'
export { differnetFlow, initialDiffernet } from './differnet/flow.js'
export type { DiffernetFlow } from './differnet/flow.js'
export { differnetHead, pooledTaps } from './differnet/head.js'
export type { DiffernetModel } from './differnet/head.js'
export { differnetTrainingStep } from './differnet/train.js'
export { componentsFor, eigenvalues } from './eigenvalues.js'
export { joinNearest, joinRows, joinedShape } from './features.js'
export type { MapShape } from './features.js'
export { headOutputs, pyramidTaps, writeHead } from './head.js'
export type { Head, Verdicts } from './head.js'
export { moments, standardise } from './moments.js'
export type { Moments, Standardisation } from './moments.js'
export {
  addToPadim,
  defaultChannels,
  padimBytes,
  padimFrom,
  padimRegularisation,
  padimSums,
  randomChannels,
} from './padim/estimate.js'
export type { PadimModel, PadimSums } from './padim/estimate.js'
export { mahalanobisMap, padimHead } from './padim/head.js'
export {
  imageDistances,
  pooledTap,
  positionDistances,
  spadeMap,
  spadeNames,
} from './spade/graph.js'
export { nearestImages, spadeNeighbours } from './spade/neighbours.js'
export type { Neighbours } from './spade/neighbours.js'
