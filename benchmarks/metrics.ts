/**
 * Time and peak memory of the pixel metrics on a test set of MVTec AD's size: 83 images of 512 × 512.
 *
 *     node --conditions=@cflow/source --import tsx benchmarks/metrics.ts [smooth|noise] [images] [size]
 *
 * `smooth` upsamples random grids as a detector does; `noise` makes every pixel an independent number,
 * which is the hardest case for caches. The inputs are kept, so that they count towards the memory.
 */
import { PixelMetrics } from '../packages/metrics/src/index.js'

const [kind = 'smooth', count = '83', side = '512'] = process.argv.slice(2)
const size = Number(side)

let state = 42
/** Uniform in [0, 1): the linear congruential generator of Numerical Recipes. */
function random(): number {
  state = (Math.imul(1664525, state) + 1013904223) >>> 0
  return state / 2 ** 32
}

/** A disc with a hole and some noise in three images of four; about 3 % of all pixels. */
function makeMask(index: number): Uint8Array {
  const mask = new Uint8Array(size * size)
  if (index % 4 === 0) return mask
  const [cx, cy] = [size * (0.2 + 0.6 * random()), size * (0.2 + 0.6 * random())]
  const radius = size * (0.05 + 0.15 * random())
  for (let y = 0; y < size; y++)
    for (let x = 0; x < size; x++) {
      const r = Math.hypot(x - cx, y - cy)
      if (r < radius && r > radius / 4) mask[y * size + x] = 1
    }
  return mask
}

function makeMap(mask: Uint8Array): Float32Array {
  if (kind === 'noise') return Float32Array.from(mask, (m) => random() + 0.3 * m)
  const step = 8
  const grid = size / step + 2
  const cells = Float32Array.from({ length: grid * grid }, () => random() + random())
  const map = new Float32Array(size * size)
  for (let y = 0; y < size; y++)
    for (let x = 0; x < size; x++) {
      const [gx, gy] = [Math.floor(x / step), Math.floor(y / step)]
      const [fx, fy] = [x / step - gx, y / step - gy]
      const at = gy * grid + gx
      const top = cells[at]! * (1 - fx) + cells[at + 1]! * fx
      const bottom = cells[at + grid]! * (1 - fx) + cells[at + grid + 1]! * fx
      map[y * size + x] = top * (1 - fy) + bottom * fy + 0.5 * mask[y * size + x]!
    }
  return map
}

function megabytes(): number {
  return Math.round(process.resourceUsage().maxRSS / 1000)
}

const base = megabytes()
const masks = Array.from({ length: Number(count) }, (_, i) => makeMask(i))
const maps = masks.map(makeMap)
console.log(`${kind}: ${count} images of ${size} × ${size}`)
console.log(`peak memory: ${base} MB at start, ${megabytes()} MB with the inputs`)

const pixels = new PixelMetrics()
let total = 0
function measure(what: string, run: () => unknown): void {
  const start = performance.now()
  const result = run()
  const seconds = (performance.now() - start) / 1000
  total += seconds
  const shown = typeof result === 'number' ? result.toFixed(6) : JSON.stringify(result)
  console.log(`${what.padEnd(22)} ${seconds.toFixed(2)} s  ${shown}`)
}

measure('add all images', () => {
  maps.forEach((map, i) => {
    pixels.add(map, masks[i]!, size, size)
  })
  return pixels.counts
})
measure('AUROC (and sorting)', () => pixels.auroc())
measure('AUPRO', () => pixels.aupro())
measure('F1-max', () => pixels.f1Max())
console.log(`total: ${total.toFixed(2)} s, peak memory ${megabytes()} MB`)
measure('AUPRO, cflow-ad', () => pixels.aupro(0.3, { protocol: 'cflow-ad' }))
measure('average precision', () => pixels.averagePrecision())
measure('ROC curve, points', () => pixels.rocCurve().fpr.length)
measure('PR curve, points', () => pixels.prCurve().recall.length)
measure('PRO curve, points', () => pixels.proCurve().fpr.length)
console.log(`peak memory ${megabytes()} MB`)
