import { shapeError, shapeText, type Dim, type Inputs, type Shape, type Value } from './value.js'

/** Shape of two broadcast together (NumPy's rule). Of two different symbols the result is unknown. */
export function broadcast(a: Shape, b: Shape): Shape {
  const rank = Math.max(a.length, b.length)
  return Array.from({ length: rank }, (_, i): Dim => {
    const [x, y] = [a, b].map((s) => (i < rank - s.length ? 1 : s.at(i - rank))) as [Dim, Dim]
    if (x === y || y === 1) return x
    if (x === 1) return y
    if (typeof x === 'number' && typeof y === 'number')
      throw shapeError(`shapes ${shapeText(a)} and ${shapeText(b)} cannot be broadcast together`)
    return typeof x === 'number' ? x : typeof y === 'number' ? y : null
  })
}

/** A non-negative axis number. @throws CflowError SHAPE when it is out of range */
export function axisOf(axis: number, rank: number): number {
  const a = axis < 0 ? axis + rank : axis
  if (!Number.isInteger(a) || a < 0 || a >= rank)
    throw shapeError(`axis ${axis} is out of range for rank ${rank}`)
  return a
}

/** Sum of axis sizes; unknown when one is not a number. */
export function addDims(dims: readonly Dim[]): Dim {
  return dims.every((d) => typeof d === 'number') ? dims.reduce((s, d) => s + d, 0) : null
}

export function sameDType(what: string, values: Inputs): Value['dtype'] {
  const first = values[0] as Value
  for (const v of values)
    if (v && v.dtype !== first.dtype)
      throw shapeError(`${what} of ${first.dtype} and ${v.dtype}: types differ`)
  return first.dtype
}
