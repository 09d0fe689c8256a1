export {
  datasetCategories,
  datasetSettings,
  type DatasetSettings,
  openDataset,
} from './node/drivers.js'
export { imageExtensions, photographExtensions, requireFolder, walkFolder } from './node/files.js'
export { decodeImage, encodeMaskPng, encodePng, writeMaskPng, writePng } from './node/images.js'
export { madeFile, writeMap, writeOverlay, writePredictedMask, writeSheet } from './node/made.js'
export { writeDataset } from './node/write.js'
export { surveyDataset, surveyWarnings, type Survey, type SurveyedImage } from './node/survey.js'
