import { encodePng } from '@cflow/datasets/node'
import * as z from 'zod'
import { binned, chi, sampled } from './density.js'
import { label, picture, svgFile } from './draw.js'
import type { Plane, Sliced, Toy } from './toy.js'

const bins = 50
/** Points of a kind that are drawn at most. */
const maxPoints = 600
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

const pointsSchema = z.array(z.tuple([z.number(), z.number()]))
const planeSchema = z.object({ normal: pointsSchema, anomalous: pointsSchema })

/** All that Figure 1 shows. */
export const figure1Schema = z.object({
  depth: z.int(),
  patch: z.number(),
  threshold: z.number(),
  patches: z.object({ normal: z.int(), anomalous: z.int() }),
  /** Share of each beyond τ. */
  beyond: z.object({ normal: z.number(), anomalous: z.number() }),
  /** Patches before and after the flow, in the plane of their leading principal components. */
  before: planeSchema,
  after: planeSchema,
  /** Densities of ‖z‖ from `low` to `high`. */
  norms: z.object({
    low: z.number(),
    high: z.number(),
    normal: z.array(z.number()),
    anomalous: z.array(z.number()),
  }),
  normal: z.array(slicedSchema),
  anomalous: z.array(slicedSchema),
})
export type Figure1 = z.infer<typeof figure1Schema>

export async function figure1Of(toy: Toy): Promise<Figure1> {
  const { normal, anomalous, threshold } = toy
  const low = Math.floor(Math.min(...normal) * 0.8)
  const largest = Math.max(quantile(normal, 0.998), quantile(anomalous, 0.9))
  const end = Math.max(Math.min(largest, 4 * threshold), threshold * 1.1)
  // five equal steps of whole numbers
  const high = low + 5 * Math.ceil((end - low) / 5)
  const share = (norms: readonly number[]) =>
    norms.filter((n) => n > threshold).length / Math.max(norms.length, 1)
  return {
    ...{ depth: toy.depth, patch: toy.patch, threshold },
    patches: { normal: normal.length, anomalous: anomalous.length },
    beyond: { normal: share(normal), anomalous: share(anomalous) },
    before: keptPlane(toy.before),
    after: keptPlane(toy.after),
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

/** Evenly chosen points with four digits. */
function keptPlane({ normal, anomalous }: Plane): Figure1['before'] {
  const some = (points: Plane['normal']): [number, number][] => {
    const step = Math.max(1, points.length / maxPoints)
    const count = Math.min(points.length, maxPoints)
    return Array.from({ length: count }, (_, i) => {
      const [x, y] = points[Math.floor(i * step)] as readonly [number, number]
      return [Number(x.toPrecision(4)), Number(y.toPrecision(4))]
    })
  }
  return { normal: some(normal), anomalous: some(anomalous) }
}

/** 0 of no values. */
function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor((sorted.length - 1) * share)] ?? 0
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

const dotStyle =
  '.dot-normal{fill:#1a7f45;fill-opacity:.45}.dot-anomalous{fill:#c62828;fill-opacity:.8}'

/** Sliced images left, their patches framed by the verdict; densities right. */
export function drawFigure1(figure: Figure1, title: string): string {
  const { depth, threshold } = figure
  const right = 2 * (side + 14) + 60
  const rows = [
    ['Anomaly-free images, sliced', figure.normal],
    ['Images with defects (true defect in red)', figure.anomalous],
  ] as const
  const images = rows.map(([name, list], r) => {
    const y = 40 + r * (side + 44)
    const pictures = list.map((one, i) => drawSliced(one, 16 + i * (side + 14), y + 10, threshold))
    return label(16, y, name, 'title') + pictures.join('')
  })
  const bottom = 40 + rows.length * (side + 44)
  const charts = [
    scatter(figure.before, right, 28, 'p_X: patches before the flow'),
    scatter(figure.after, right + 290, 28, 'p_Z: patches after the flow'),
    distances(figure, right, 250),
  ]
  const key = label(16, bottom, `${title}. Green: anomaly-free; red: out of distribution; dashed blue: Gaussian of ${depth} dimensions. Frames: ‖z‖ of the patch below or above τ.`, 'small') // prettier-ignore
  return svgFile(right + 560, bottom + 20, [...images, ...charts, key].join(''), dotStyle)
}

/** Densities of ‖z‖ and the one that a Gaussian would have, scaled by the tallest; the threshold. */
function distances({ norms, depth, threshold }: Figure1, x: number, y: number): string {
  const { low, high } = norms
  const [width, top, bottom] = [545, y + 22, y + 234]
  const reference = sampled((r) => chi(r, depth), low, high, 5 * bins)
  const densities = { normal: norms.normal, anomalous: norms.anomalous, reference }
  const tallest = Math.max(...Object.values(densities).flat(), Number.MIN_VALUE)
  const across = (value: number) => x + (width * (value - low)) / (high - low)
  const up = (value: number) => bottom - ((bottom - top) * value) / tallest
  const curves = Object.entries(densities).map(([kind, values]) => {
    const step = (high - low) / values.length
    const points = values.map((v, i) => `${round(across(low + (i + 0.5) * step))} ${round(up(v))}`)
    const path =
      kind === 'reference'
        ? `M${points.join('L')}`
        : `M${x} ${bottom}L${points.join('L')}L${x + width} ${bottom}Z`
    return `<path class="${kind}" d="${path}"/>`
  })
  const ticks = Array.from({ length: 6 }, (_, i) => {
    const value = low + ((high - low) * i) / 5
    const text = String(Number(value.toPrecision(3)))
    return label(across(value), bottom + 16, text, 'small', 'middle')
  })
  return [
    label(x, y + 10, 'Distance from the mean: in distribution and out of it', 'title'),
    ...curves,
    `<path class="axis" d="M${x} ${bottom}H${x + width}"/>`,
    ...ticks,
    label(x + width / 2, bottom + 32, '‖z‖ of a patch', 'small', 'middle'),
    `<path class="threshold" d="M${round(across(threshold))} ${top - 4}V${bottom}"/>`,
    label(across(threshold) + 5, top + 6, `τ = ${threshold.toFixed(1)}`),
  ].join('')
}

const round = (value: number): number => Math.round(value * 10) / 10

/** Points of a plane, both axes to one scale, around the anomaly-free ones' mean. */
function scatter(plane: Figure1['before'], x: number, y: number, title: string): string {
  const [width, height] = [255, 190]
  const reach = 1.05 * quantile([...plane.normal, ...plane.anomalous].flat().map(Math.abs), 0.995)
  const middle = { x: x + width / 2, y: y + 18 + height / 2 }
  const unit = Math.min(width, height) / 2 / reach
  const dots = (['normal', 'anomalous'] as const).flatMap((kind) =>
    plane[kind].map(([px, py]) => {
      const inside = Math.abs(py) <= reach && Math.abs(px) * unit <= width / 2
      if (!inside) return ''
      return `<circle cx="${round(middle.x + px * unit)}" cy="${round(middle.y - py * unit)}" r="${kind === 'normal' ? 1.5 : 2.2}" class="dot-${kind}"/>`
    }),
  )
  return `${label(x, y + 10, title, 'title')}<rect x="${x}" y="${y + 18}" width="${width}" height="${height}" class="axis" stroke-opacity=".4"/>${dots.join('')}`
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
  const defect =
    truth &&
    `<svg x="${x}" y="${y}" width="${side}" height="${side}" viewBox="0 0 ${size} ${size}"><path d="${truth}" fill="#ff2832" fill-opacity=".45"/></svg>`
  return `${picture(x, y, side, image)}${defect ?? ''}${frames.join('')}`
}
