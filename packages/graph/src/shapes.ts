import { shapeError, shapeText, type Dim, type Inputs, type Shape, type Value } from './value.js'

/** Shape of two broadcast together (NumPy's rule). Of two different symbols the result is unknown. */
export function broadcast(a: Shape, b: Shape): Shape {
  const rank = Math.max(a.length, b.length)
  const out: Dim[] = []
  for (let i = 0; i < rank; i++) {
    const x = i < rank - a.length ? 1 : (a[i - rank + a.length] as Dim)
    const y = i < rank - b.length ? 1 : (b[i - rank + b.length] as Dim)
    if (x === y || y === 1) out.push(x)
    else if (x === 1) out.push(y)
    else if (typeof x === 'number' && typeof y === 'number')
      throw shapeError(`shapes ${shapeText(a)} and ${shapeText(b)} cannot be broadcast together`)
    else out.push(typeof x === 'number' ? x : typeof y === 'number' ? y : null)
  }
  return out
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
