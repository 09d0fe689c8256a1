export { accuracyVerdict, type Accuracy, type Gate, type Verdict } from './gate.js'
export { exportHalf } from './half.js'
export type { Images } from './images.js'
export { exportInt8, type Int8Export } from './int8.js'
