export {
  datasetCategories,
  datasetSettings,
  type DatasetSettings,
  openDataset,
} from './node/drivers.js'
export { imageExtensions, walkFolder } from './node/files.js'
export { decodeImage, encodePng, writeMaskPng, writePng } from './node/images.js'
export { madeFile, writeMap, writeOverlay, writePredictedMask } from './node/made.js'
export { writeDataset } from './node/write.js'
