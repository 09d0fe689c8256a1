import { encodePng } from '@cflow/datasets/node'
import * as z from 'zod'
import { binned, densityChart, label, picture, svgFile } from './draw.js'
import { chi, gaussian, sampled } from './gaussian.js'
import type { Sliced, Toy } from './toy.js'

const bins = 80
const side = 208

const slicedSchema = z.object({
  /** PNG as a data URI. */
  image: z.string(),
  /** Pixels a side. */
  size: z.int(),
  /** Path of the defect, in those pixels; absent for a good image. */
  truth: z.string().optional(),
  /** Patches a side. */
  grid: z.int(),
  norms: z.array(z.number()),
})

const densitiesSchema = z.array(z.number())

/** All that Figure 1 shows. */
export const figure1Schema = z.object({
  depth: z.int(),
  patch: z.number(),
  threshold: z.number(),
  patches: z.object({ normal: z.int(), anomalous: z.int() }),
  /** Share of each beyond τ. */
  beyond: z.object({ normal: z.number(), anomalous: z.number() }),
  /** Densities of the coordinates of x and z between −4 and 4. */
  before: densitiesSchema,
  after: densitiesSchema,
  /** Densities of ‖z‖ from `low` to `high`. */
  norms: z.object({
    low: z.number(),
    high: z.number(),
    normal: densitiesSchema,
    anomalous: densitiesSchema,
  }),
  normal: z.array(slicedSchema),
  anomalous: z.array(slicedSchema),
})
export type Figure1 = z.infer<typeof figure1Schema>

export async function figure1Of(toy: Toy): Promise<Figure1> {
  const { normal, anomalous, threshold } = toy
  const low = Math.min(...normal) * 0.8
  const largest = quantile([...normal, ...anomalous], 0.98)
  const high = Math.max(Math.min(largest, 4 * threshold), threshold * 1.3)
  const share = (norms: readonly number[]) =>
    norms.filter((n) => n > threshold).length / Math.max(norms.length, 1)
  return {
    ...{ depth: toy.depth, patch: toy.patch, threshold },
    patches: { normal: normal.length, anomalous: anomalous.length },
    beyond: { normal: share(normal), anomalous: share(anomalous) },
    before: [...binned(toy.before, -4, 4, bins)],
    after: [...binned(toy.after, -4, 4, bins)],
    norms: {
      low,
      high,
      normal: [...binned(normal, low, high, bins)],
      anomalous: [...binned(anomalous, low, high, bins)],
    },
    normal: await Promise.all(toy.examples.normal.map(kept)),
    anomalous: await Promise.all(toy.examples.anomalous.map(kept)),
  }
}

function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor((sorted.length - 1) * share)] ?? NaN
}

async function kept({ image, truth, grid, norms }: Sliced): Promise<z.infer<typeof slicedSchema>> {
  const png = await encodePng(image)
  return {
    image: `data:image/png;base64,${Buffer.from(png).toString('base64')}`,
    size: image.width,
    ...(truth.includes(1) && { truth: outline(truth) }),
    grid,
    norms: norms.map((n) => Number(n.toPrecision(5))),
  }
}

/** Runs of a mask as path data, in pixels. */
function outline(truth: Uint8Array): string {
  const size = Math.round(Math.sqrt(truth.length))
  let path = ''
  for (let y = 0; y < size; y++)
    for (let x = 0; x < size; x++) {
      if (!truth[y * size + x]) continue
      const from = x
      while (x < size && truth[y * size + x]) x++
      path += `M${from} ${y}h${x - from}v1h${from - x}z`
    }
  return path
}

/** Sliced images left, their patches framed by the verdict; densities right. */
export function drawFigure1(figure: Figure1, title: string): string {
  const { depth, threshold, norms } = figure
  const right = 2 * (side + 14) + 60
  const width = right + 560
  const rows: (readonly [string, Figure1['normal']])[] = [
    ['Anomaly-free images, sliced', figure.normal],
    ['Images with defects (true defect in red)', figure.anomalous],
  ]
  const images = rows.map(([name, list], r) => {
    const y = 40 + r * (side + 44)
    const pictures = list.map((one, i) => drawSliced(one, 16 + i * (side + 14), y + 10, threshold))
    return label(16, y, name, 'title') + pictures.join('')
  })
  const unit = sampled(gaussian, -4, 4, bins)
  const small = { width: 255, height: 190, low: -4, high: 4, y: 28 }
  const charts = [
    densityChart({ ...small, x: right, title: 'p_X: features x', axis: 'coordinates of x, standardised', densities: [{ values: figure.before, kind: 'normal' }, { values: unit, kind: 'reference' }] }), // prettier-ignore
    densityChart({ ...small, x: right + 290, title: 'p_Z: after the flow', axis: 'coordinates of z', densities: [{ values: figure.after, kind: 'normal' }, { values: unit, kind: 'reference' }] }), // prettier-ignore
    densityChart({
      ...{ x: right, y: 250, width: 545, height: 270, low: norms.low, high: norms.high },
      title: 'Distance from the mean: in distribution and out of it',
      axis: '‖z‖ of a patch',
      densities: [
        { values: norms.normal, kind: 'normal' },
        { values: norms.anomalous, kind: 'anomalous' },
        { values: sampled((r) => chi(r, depth), norms.low, norms.high, bins), kind: 'reference' },
      ],
      threshold: { at: threshold, text: `τ = ${threshold.toFixed(1)}` },
    }),
  ]
  const key = label(16, 40 + 2 * (side + 44), `${title}. Green: anomaly-free; red: out of distribution; dashed blue: Gaussian of ${depth} dimensions. Frames: ‖z‖ of the patch below or above τ.`, 'small') // prettier-ignore
  return svgFile(width, 60 + 2 * (side + 44), images.join('') + charts.join('') + key)
}

function drawSliced(
  { image, size, truth, grid, norms }: Figure1['normal'][number],
  x: number,
  y: number,
  threshold: number,
): string {
  const patch = side / grid
  const frames = norms.map((norm, i) => {
    const [px, py] = [x + (i % grid) * patch, y + Math.floor(i / grid) * patch]
    const beyond = norm > threshold
    return `<rect x="${px + 1.5}" y="${py + 1.5}" width="${patch - 3}" height="${patch - 3}" fill="none" stroke="${beyond ? '#e02b2b' : '#2aa05c'}" stroke-width="${beyond ? 2 : 1}" stroke-opacity="${beyond ? 1 : 0.55}"/>`
  })
  return `${picture(x, y, side, image)}${truth ? defect(truth, size, x, y) : ''}${frames.join('')}`
}

const defect = (path: string, size: number, x: number, y: number): string =>
  `<svg x="${x}" y="${y}" width="${side}" height="${side}" viewBox="0 0 ${size} ${size}"><path d="${path}" fill="#ff2832" fill-opacity=".45"/></svg>`
