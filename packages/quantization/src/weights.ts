import { sizeOf, tensor, type Tensor } from '@cflow/base'

/** Largest integer a bias may come to, well inside int32 so that sums do not overflow. */
const largestBias = 2 ** 30

/**
 * Symmetric quantisation to bytes, with one scale for each output channel: q = round(w/s), s the channel's largest
 * magnitude over `levels`.
 * @param axis runs over output channels
 * @param levels 127, or 63 for seven bits (see `QuantiseOptions.reduceRange`)
 * @param bias with the scale of the layer's input: a channel's scale grows where its bias would not fit into int32
 */
export function quantiseWeights(
  weight: Tensor<'float32'>,
  axis: number,
  levels: 127 | 63,
  bias: { readonly values: Float32Array; readonly inputScale: number } | undefined,
): { readonly values: Tensor<'int8'>; readonly scales: Float32Array } {
  const { shape, data } = weight
  const channels = shape[axis] as number
  const stride = sizeOf(shape.slice(axis + 1))
  const channelOf = (i: number) => Math.floor(i / stride) % channels
  const largest = new Float64Array(channels)
  data.forEach((w, i) => {
    const c = channelOf(i)
    largest[c] = Math.max(largest[c] as number, Math.abs(w))
  })
  const scales = Float32Array.from(largest, (m, c) => {
    const least = bias ? Math.abs(bias.values[c] as number) / (bias.inputScale * largestBias) : 0
    return Math.max(m / levels, least, 1e-30)
  })
  const values = Int8Array.from(data, (w, i) => {
    const q = Math.round(w / (scales[channelOf(i)] as number))
    return Math.min(Math.max(q, -levels), levels)
  })
  return { values: tensor('int8', shape, values), scales }
}

/** A bias in units of input scale × weight scale, which is what integer products add up to. */
export function quantiseBias(
  bias: Float32Array,
  inputScale: number,
  weightScales: Float32Array,
): { readonly values: Tensor<'int32'>; readonly scales: Float32Array } {
  const scales = weightScales.map((s) => Math.max(s * inputScale, 1e-38))
  const values = Int32Array.from(bias, (b, c) => Math.round(b / (scales[c] as number)))
  return { values: tensor('int32', [bias.length], values), scales }
}
