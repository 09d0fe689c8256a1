import { CflowError, floats, halfToNumber, tensor as makeTensor, type Tensor } from '@cflow/base'

/**
 * The tensor as float32: float16 is widened exactly, float64 rounded, float32 returned as it is.
 * @param name for the error message
 * @throws CflowError WEIGHTS when it holds no floating-point numbers
 */
export function toFloat32(tensor: Tensor, name = 'a tensor'): Tensor<'float32'> {
  const { dtype, shape, data } = tensor
  if (dtype === 'float32') return tensor as Tensor<'float32'>
  if (dtype === 'float64') return floats('float32', shape, data as Float64Array)
  if (dtype === 'float16')
    return makeTensor('float32', shape, Float32Array.from(data as Uint16Array, halfToNumber))
  throw new CflowError('WEIGHTS', `${name} holds ${dtype}, not floating-point numbers`, {
    subject: name,
  })
}
