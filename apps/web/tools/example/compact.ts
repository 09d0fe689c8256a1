import { exportHalf } from '@cflow/quantization'

/** How the example's file is stored: weights as float16, half the download. Computed in float32 all the same. */
export const compact = (model: Uint8Array): Uint8Array => exportHalf(model).model
