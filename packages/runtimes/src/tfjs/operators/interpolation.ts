import type { Attributes } from '@cflow/graph'
import { textAttribute } from '../attributes.js'

/** Where sample i of the result lies in the input, by how the two are laid over each other. */
const places: Readonly<Record<string, (i: number, from: number, to: number, factor: number) => number>> = {
  half_pixel: (i, _from, _to, factor) => (i + 0.5) / factor - 0.5,
  pytorch_half_pixel: (i, _from, to, factor) => (to > 1 ? (i + 0.5) / factor - 0.5 : 0),
  align_corners: (i, from, to) => (to > 1 ? (i * (from - 1)) / (to - 1) : 0),
  asymmetric: (i, _from, _to, factor) => i / factor,
} // prettier-ignore

const roundings: Readonly<Record<string, (x: number) => number>> = {
  round_prefer_floor: (x) => Math.ceil(x - 0.5),
  round_prefer_ceil: (x) => Math.floor(x + 0.5),
  floor: Math.floor,
  ceil: Math.ceil,
}

const modesOf = (attributes: Attributes) => ({
  mode: textAttribute(attributes, 'mode', 'nearest'),
  place: textAttribute(attributes, 'coordinate_transformation_mode', 'half_pixel'),
  rounding: textAttribute(attributes, 'nearest_mode', 'round_prefer_floor'),
})

/** Which of the modes of Resize is not here; undefined where they are. */
export function resizeModes(attributes: Attributes): string | undefined {
  const { mode, place, rounding } = modesOf(attributes)
  if (!/^(nearest|linear)$/.test(mode)) return `with mode ${mode}`
  if (!(place in places)) return `with ${place}`
  return mode === 'nearest' && !(rounding in roundings) ? `with ${rounding}` : undefined
}

/** Resizing one axis as a matrix [to, from], row-major: the weights of the input's samples in each of the result's. */
export function interpolation(
  from: number,
  to: number,
  factor: number,
  attributes: Attributes,
): Float32Array {
  const { mode, place, rounding } = modesOf(attributes)
  const matrix = new Float32Array(to * from)
  const inside = (x: number) => Math.min(Math.max(x, 0), from - 1)
  for (let i = 0; i < to; i++) {
    const x = places[place]!(i, from, to, factor)
    if (mode === 'nearest') {
      matrix[i * from + inside(roundings[rounding]!(x))] = 1
      continue
    }
    const low = Math.floor(inside(x))
    const weight = inside(x) - low
    matrix[i * from + low] = 1 - weight
    if (weight > 0) matrix[i * from + low + 1] = weight
  }
  return matrix
}
