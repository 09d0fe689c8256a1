import { Random, tensor, type Tensor } from '@cflow/base'

/** What changes in a value when the top right corner of the image does, and when the bottom left one does. */
export interface Corners {
  readonly topRight: Float64Array
  readonly bottomLeft: Float64Array
}

/** Two images [1, 3, S, S] that differ in their contrast, as a network sees them: normalised. */
export function twoImages(size: number): readonly [Tensor, Tensor] {
  const random = Random.seeded(20, 'images that encoders are tried on')
  const side = Math.ceil(size / 8)
  const image = (contrast: number): Tensor => {
    const blocks = Float32Array.from({ length: 3 * side * side }, () => random.uniform(-1, 1))
    const data = Float32Array.from({ length: 3 * size * size }, (_, i) => {
      const [c, y, x] = [Math.floor(i / size / size), Math.floor(i / size) % size, i % size]
      const block = blocks[(c * side + (y >> 3)) * side + (x >> 3)] as number
      return contrast * (block + random.uniform(-0.3, 0.3))
    })
    return tensor('float32', [1, 3, size, size], data)
  }
  return [image(0.8), image(2)]
}

/** The same image with another corner, a third of each side. */
export function withCorner({ shape, data }: Tensor, corner: keyof Corners): Tensor {
  const [, , height = 0, width = 0] = shape
  const isInside = {
    topRight: (y: number, x: number) => y < height / 3 && x >= (2 * width) / 3,
    bottomLeft: (y: number, x: number) => y >= (2 * height) / 3 && x < width / 3,
  }[corner]
  const changed = Float32Array.from(data as Float32Array, (v, i) =>
    isInside(Math.floor(i / width) % height, i % width) ? 0.5 - v : v,
  )
  return tensor('float32', shape, changed)
}

/** Two images as one batch. */
export function together(a: Tensor, b: Tensor): Tensor {
  const data = new Float32Array(2 * a.data.length)
  data.set(a.data as Float32Array)
  data.set(b.data as Float32Array, a.data.length)
  return tensor('float32', [2, ...a.shape.slice(1)], data)
}

/** An image [1, 3, S, S] as a file takes it: so many times, and its channels last. */
export function asFed(image: Tensor, count: number, channelsLast: boolean): Tensor {
  const [, , height = 0, width = 0] = image.shape
  const planes = image.data as Float32Array
  const area = height * width
  const fed = channelsLast
    ? Float32Array.from(planes, (_, i) => planes[(i % 3) * area + Math.floor(i / 3)] as number)
    : planes
  const data = new Float32Array(count * fed.length)
  for (let i = 0; i < count; i++) data.set(fed, i * fed.length)
  const shape = channelsLast ? [count, height, width, 3] : [count, 3, height, width]
  return tensor('float32', shape, data)
}

/**
 * Root mean square of the difference of two tensors of float32 over that of the first; 0 where they are the same, ∞
 * where they do not fit.
 */
export function distance(a: Tensor | undefined, b: Tensor | undefined): number {
  if (!a || a.data.length !== b?.data.length) return Infinity
  const [u, v] = [a.data as Float32Array, b.data as Float32Array]
  let [square, size] = [0, 0]
  for (let i = 0; i < u.length; i++) {
    const [x, y] = [u[i] as number, v[i] as number]
    if (!Object.is(x, y)) square += (x - y) ** 2
    size += x * x
  }
  return square === 0 ? 0 : Math.sqrt(square / Math.max(size, 1e-30))
}

/** Absolute differences, element by element. */
export function change(a: Tensor, b: Tensor): Float64Array {
  const [u, v] = [a.data as Float32Array, b.data as Float32Array]
  return Float64Array.from(u, (x, i) => Math.abs(x - (v[i] ?? x)))
}

export const isFinite = ({ data }: Tensor): boolean => (data as Float32Array).every(Number.isFinite)
