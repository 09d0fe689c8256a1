export { importWeights, pullWeights } from './node/fetch.js'
export {
  findEncoderWeights,
  listEncoders,
  loadEncoderWeights,
  type EncoderListing,
} from './node/find.js'
