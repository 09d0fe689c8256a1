export { tfjs } from './driver.js'
