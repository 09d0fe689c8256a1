import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import type { Mask, RgbImage } from '@cflow/base'
import { resizeLanczos, resizeMaskNearest } from './resize.js'
import { rotateNearest } from './rotate.js'

interface Fixture {
  readonly rotate: readonly [number, number, number, string][]
  readonly lanczos: readonly [number, number, number, number, string][]
  readonly nearest: readonly [number, number, number, number, string][]
  readonly golden: Readonly<Record<string, unknown>>
}

/** Made by Pillow itself: hashes over whole images, and the golden values of the reference. */
const pillow = JSON.parse(
  readFileSync(new URL('../test/fixtures/pillow.json', import.meta.url), 'utf8'),
) as Fixture

const hash = (data: Uint8Array): string =>
  createHash('sha256').update(data).digest('hex').slice(0, 16)

function pattern(width: number, height: number): RgbImage {
  const data = new Uint8Array(width * height * 3)
  for (let i = 0; i < width * height; i++) {
    const r = (37 * i + Math.floor((i * i) / 7)) % 256
    data.set([r, 255 - r, (r * 5 + i) % 256], i * 3)
  }
  return { width, height, data }
}

function channel(image: RgbImage, c: number): Mask {
  const data = image.data.filter((_, i) => i % 3 === c)
  return { width: image.width, height: image.height, data }
}

/** The 10×12 image of the golden file. */
function golden(): RgbImage {
  const data = Uint8Array.from({ length: 360 }, (_, i) => {
    const r = (37 * Math.floor(i / 3)) % 256
    return i % 3 === 0 ? r : i % 3 === 1 ? 255 - r : r >> 1
  })
  return { width: 10, height: 12, data }
}

const rows = <T>(flat: readonly T[], n: number): T[][] =>
  Array.from({ length: flat.length / n }, (_, i) => flat.slice(i * n, (i + 1) * n))

it('equals the golden numbers', () => {
  const small = resizeLanczos(golden(), 5, 6)
  expect(rows(rows([...small.data], 3), 5)).toEqual(pillow.golden['pil_lanczos_10x12_to_5x6'])
  const mask = resizeMaskNearest(channel(golden(), 0), 4, 5)
  expect(rows([...mask.data], 4)).toEqual(pillow.golden['pil_nearest_mask_10x12_to_4x5'])
  const turned = channel(rotateNearest(golden(), 5), 0)
  expect(rows([...turned.data], 10)).toEqual(pillow.golden['pil_rotate5_nearest'])
})

it.each(pillow.rotate)('rotates %d×%d by %d° as Pillow does', (w, h, degrees, expected) => {
  expect(hash(rotateNearest(pattern(w, h), degrees).data)).toBe(expected)
})

it.each(pillow.lanczos)(
  'resizes %d×%d to %d×%d (Lanczos) as Pillow does',
  (w, h, a, b, expected) => {
    expect(hash(resizeLanczos(pattern(w, h), a, b).data)).toBe(expected)
  },
)

it.each(pillow.nearest)(
  'resizes %d×%d to %d×%d (nearest) as Pillow does',
  (w, h, a, b, expected) => {
    expect(hash(resizeMaskNearest(channel(pattern(w, h), 0), a, b).data)).toBe(expected)
  },
)
