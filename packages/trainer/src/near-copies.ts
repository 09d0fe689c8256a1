import { tensor, type Tensor } from '@cflow/base'
import { input, matMul, writeOnnx } from '@cflow/graph'
import type { Sample } from '@cflow/datasets'
import type { Runtime } from '@cflow/runtimes'
import type { PixelFacts } from './feature-cache.js'

/** Side of the pictures that are compared, and steps of a picture's pixel by which they are shifted to fit. */
const side = 64
const margin = 2
const shifts = [-1, -0.5, 0, 0.5, 1] as const
const inner = (s: number): number => s - 2 * margin

/** Images that are compared with one another at most, the first ones; above the second number they are not shifted. */
const most = { compared: 3000, shifted: 600 } as const

/**
 * By what images are near copies: distances relative to the median of all pairs below which any pair is one, to which the
 * closer links of the images (of their minimum spanning tree) must fall, on average, below the others, and the same where
 * those alike also follow one another. Measured on two real and three rendered sets, as they are and with bursts made of
 * them (docs/near-copies.md): links of independent images 0.62 to 0.89, of bursts 0.02 to 0.50.
 */
const near = { pair: 0.08, links: 0.5, orderedLinks: 0.6, floor: 0.02 } as const

/** Images within this distance in the list are neighbours; parts of a list whose neighbours are alike. */
const neighbours = 2
const runs = 20

/** Which images of a list are copies, near copies or frames of one another. */
export interface NearCopies {
  /** The group of every image: a number that it shares with those it is (nearly) the same as. */
  readonly groups: readonly number[]
  /** How many of the images share theirs. */
  readonly images: number
  /** How many groups they make. */
  readonly distinct: number
  /** True where images that follow one another are alike, as frames of a video are, more often than chance would have it. */
  readonly ordered: boolean
}

/** Share of the images that are near copies, above which the images do not tell how often a new one raises an alarm. */
const tolerated = 0.1

/** Whether so many of the images depend on others that no rate is promised of them. */
export const dependent = ({ images }: NearCopies, total: number): boolean =>
  images > tolerated * total

/** Frames of videos depend on one another as it is: they need not be compared. */
export const areFrames = (samples: readonly Pick<Sample, 'sequence'>[]): boolean =>
  samples.every(({ sequence }) => sequence !== undefined)

/** By what images stand on one side of a split: near copies where some were found, else sequences of videos. */
export const standTogether = (
  samples: readonly Pick<Sample, 'sequence'>[],
  copies: NearCopies | undefined,
): readonly Pick<Sample, 'sequence'>[] =>
  copies && copies.images > 0 ? copies.groups.map((group) => ({ sequence: `${group}` })) : samples

/**
 * What stands together of images whose pixels are known, near copies too; by their sequences alone where near copies would
 * leave no two parts.
 */
export async function partsOf(
  runtime: Runtime,
  samples: readonly Pick<Sample, 'sequence'>[],
  facts: Pick<PixelFacts, 'pictures' | 'digests'>,
): Promise<readonly Pick<Sample, 'sequence'>[]> {
  if (areFrames(samples)) return samples
  const parts = standTogether(samples, await nearCopies(runtime, facts))
  return new Set(parts.map((p) => p.sequence ?? p)).size > 1 ? parts : samples
}

/** A square grey picture of an image's pixels, [S, S, 3] → side×side, without its mean, for `nearCopies`. */
export function pictureOf(pixels: Uint8Array, size: number): Float32Array {
  const s = Math.min(side, size)
  const sums = new Float64Array(s * s)
  const counts = new Float64Array(s * s)
  for (let y = 0, i = 0; y < size; y++)
    for (let x = 0; x < size; x++, i += 3) {
      const cell = Math.floor((y * s) / size) * s + Math.floor((x * s) / size)
      sums[cell]! += 0.299 * pixels[i]! + 0.587 * pixels[i + 1]! + 0.114 * pixels[i + 2]!
      counts[cell]!++
    }
  return Float32Array.from(sums, (v, i) => v / counts[i]!)
}

/**
 * Find images that are the same as others or nearly so: copies, files saved again, frames of a burst or of a video. What is
 * learned from one of them is known of the others, so that they must stand on one side of a split. Two pictures are compared
 * by their correlation where they fit best, shifted by up to one of 64 parts of the side: exposure does not count.
 * @param images in the order in which they are listed
 */
export async function nearCopies(
  runtime: Runtime,
  { pictures, digests }: Pick<PixelFacts, 'pictures' | 'digests'>,
): Promise<NearCopies> {
  const n = Math.min(pictures.length, most.compared)
  const alone = { groups: [...pictures.keys()], images: 0, distinct: pictures.length, ordered: false } // prettier-ignore
  if (n < 2 || Math.sqrt(pictures[0]!.length) <= 2 * margin) return alone
  const distances = await distancesOf(runtime, pictures.slice(0, n))
  for (let i = 0; i < n; i++)
    for (let j = 0; j < n; j++) if (digests[i] === digests[j]) distances[i * n + j] = 0
  return { ...alone, ...groupsOf(distances, n, pictures.length) }
}

/** Root mean squared differences of standardised pictures where they fit best, [n·n]. */
async function distancesOf(
  runtime: Runtime,
  pictures: readonly Float32Array[],
): Promise<Float32Array> {
  const n = pictures.length
  const s = Math.sqrt(pictures[0]!.length)
  const length = inner(s) ** 2
  const steps = n <= most.shifted ? shifts : ([0] as const)
  const perImage = steps.length ** 2
  const plain = new Float32Array(length * n)
  pictures.forEach((p, j) => standardised(p, s, 0, 0).forEach((v, i) => (plain[i * n + j] = v)))
  const session = await runtime.createSession(
    writeOnnx({
      products: matMul(input('shifted', 'float32', ['R', length]), input('plain', 'float32', [length, 'N'])), // prettier-ignore
    }),
  )
  const distances = new Float32Array(n * n).fill(Infinity)
  const block = Math.max(1, Math.floor(256 / perImage))
  const all = tensor('float32', [length, n], plain)
  for (let from = 0; from < n; from += block) {
    const until = Math.min(from + block, n)
    const rows = new Float32Array((until - from) * perImage * length)
    for (let i = from, row = 0; i < until; i++)
      for (const dy of steps)
        for (const dx of steps) rows.set(standardised(pictures[i]!, s, dx, dy), row++ * length)
    const got = await session.run({ shifted: tensor('float32', [rows.length / length, length], rows), plain: all }) // prettier-ignore
    const { data } = got['products'] as Tensor<'float32'>
    for (let row = 0; row < rows.length / length; row++) {
      const i = from + Math.floor(row / perImage)
      for (let j = 0; j < n; j++) {
        const d = Math.sqrt(Math.max(0, 2 - (2 * data[row * n + j]!) / length))
        if (d < distances[i * n + j]!) distances[i * n + j] = distances[j * n + i] = Math.min(d, distances[j * n + i]!) // prettier-ignore
      }
    }
  }
  return distances
}

/** The inside of a picture, shifted (bilinear), with mean 0 and variance 1; zeros where it has no contrast. */
function standardised(picture: Float32Array, s: number, dx: number, dy: number): Float32Array {
  const w = inner(s)
  const out = new Float32Array(w * w)
  const [x0, y0] = [Math.floor(dx), Math.floor(dy)]
  const [fx, fy] = [dx - x0, dy - y0]
  let sum = 0
  for (let y = 0, i = 0; y < w; y++)
    for (let x = 0; x < w; x++, i++) {
      const at = (y + margin + y0) * s + x + margin + x0
      const [right, below] = [fx > 0 ? 1 : 0, fy > 0 ? s : 0]
      const upper = picture[at]! * (1 - fx) + picture[at + right]! * fx
      const lower = picture[at + below]! * (1 - fx) + picture[at + below + right]! * fx
      sum += out[i] = upper * (1 - fy) + lower * fy
    }
  let squares = 0
  for (let i = 0; i < out.length; i++) squares += (out[i]! -= sum / out.length) ** 2
  const deviation = Math.sqrt(squares / out.length)
  // a difference of half a grey level is none
  for (let i = 0; i < out.length; i++) out[i]! /= Math.max(deviation, 0.5)
  return out
}

function groupsOf(distances: Float32Array, n: number, total: number): NearCopies {
  const ordered = isOrdered(distances, n)
  const links = spanningTree(distances, n)
  const typical = medianOfPairs(distances, n)
  const cut = cutOf(links.map(({ length }) => Math.max(length / typical, near.floor)), ordered) * typical // prettier-ignore
  const groups = joined(total, links.filter(({ length }) => length <= cut)) // prettier-ignore
  const sizes = new Map<number, number>()
  for (const g of groups) sizes.set(g, (sizes.get(g) ?? 0) + 1)
  const images = groups.filter((g) => sizes.get(g)! > 1).length
  if (!ordered || images >= n / 4) return { groups, images, distinct: sizes.size, ordered }
  // alike is what follows one another, and no border shows: runs of the list stand for groups
  const count = Math.min(runs, Math.floor(total / neighbours))
  const run = (i: number) => Math.floor((i * count) / total)
  return { groups: groups.map((_, i) => run(i)), images: total, distinct: count, ordered }
}

interface Link {
  readonly from: number
  readonly to: number
  readonly length: number
}

/** The minimum spanning tree (Prim), shortest link first. */
function spanningTree(distances: Float32Array, n: number): readonly Link[] {
  const nearest = Array.from({ length: n }, (_, j) => ({ from: 0, to: j, length: distances[j]! }))
  const left = new Set(Array.from({ length: n - 1 }, (_, j) => j + 1))
  const links: Link[] = []
  while (left.size > 0) {
    let next = -1
    for (const j of left) if (next < 0 || nearest[j]!.length < nearest[next]!.length) next = j
    left.delete(next)
    links.push(nearest[next]!)
    for (const j of left) {
      const length = distances[next * n + j]!
      if (length < nearest[j]!.length) nearest[j] = { from: next, to: j, length }
    }
  }
  return links.sort((a, b) => a.length - b.length)
}

/**
 * The length up to which links join near copies: where links are of two kinds (Otsu's split of their logarithms), one much
 * shorter, the border between them; again of what is left, for copies of several degrees.
 * @param lengths ascending
 */
function cutOf(lengths: readonly number[], ordered: boolean): number {
  const most = ordered ? near.orderedLinks : near.links
  let cut: number = near.pair
  let rest = lengths.filter((length) => length > near.pair)
  for (let degree = 0; degree < 3; degree++) {
    const k = otsu(rest.map(Math.log))
    if (k === undefined) break
    const level = (part: readonly number[]) => part.reduce((a, x) => a + Math.log(x), 0) / part.length // prettier-ignore
    const [short, long] = [rest.slice(0, k), rest.slice(k)]
    if (Math.exp(level(short) - level(long)) >= most) break
    cut = Math.max(cut, Math.sqrt(short.at(-1)! * long[0]!))
    rest = long
  }
  return cut
}

/** How many of the ascending values make the lower of two classes of least variance; undefined of too few. */
function otsu(values: readonly number[]): number | undefined {
  const n = values.length
  const least = Math.max(3, Math.floor(n / 20))
  let best: { readonly k: number; readonly within: number } | undefined
  let [sum, squares] = [0, 0]
  const all = values.reduce((a, v) => ({ sum: a.sum + v, squares: a.squares + v * v }), { sum: 0, squares: 0 }) // prettier-ignore
  for (let k = 1; k <= n - least; k++) {
    sum += values[k - 1]!
    squares += values[k - 1]! ** 2
    if (k < least) continue
    const within = squares - sum ** 2 / k + (all.squares - squares) - (all.sum - sum) ** 2 / (n - k)
    if (!best || within < best.within) best = { k, within }
  }
  return best?.k
}

/** Whether the image that is most like another follows it in the list, or goes before it, far more often than by chance. */
function isOrdered(distances: Float32Array, n: number): boolean {
  let count = 0
  for (let i = 0; i < n; i++) {
    let nearest = -1
    for (let j = 0; j < n; j++)
      if (j !== i && (nearest < 0 || distances[i * n + j]! < distances[i * n + nearest]!)) nearest = j // prettier-ignore
    if (Math.abs(nearest - i) <= neighbours) count++
  }
  const chance = (2 * neighbours * n) / (n - 1)
  return count >= n / 4 && count >= chance + 6 * Math.sqrt(chance)
}

function medianOfPairs(distances: Float32Array, n: number): number {
  const pairs = new Float32Array((n * (n - 1)) / 2)
  let k = 0
  for (let i = 0; i < n; i++) for (let j = i + 1; j < n; j++) pairs[k++] = distances[i * n + j]!
  return Math.max(pairs.sort()[pairs.length >> 1]!, 1e-6)
}

/** The group of each of `total` things that links join, numbered by their first members. */
function joined(total: number, links: readonly Link[]): readonly number[] {
  const parent = Array.from({ length: total }, (_, i) => i)
  const root = (i: number): number => (parent[i] === i ? i : (parent[i] = root(parent[i]!)))
  for (const { from, to } of links) {
    const [a, b] = [root(from), root(to)]
    parent[Math.max(a, b)] = Math.min(a, b)
  }
  return parent.map((_, i) => root(i))
}
