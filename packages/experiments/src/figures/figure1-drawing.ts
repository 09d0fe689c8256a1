import * as z from 'zod'
import { chi, quantile, sampled } from './density.js'
import { label, picture, svgFile } from './draw.js'

/** Pixels a side of a sliced image. */
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
  const reference = sampled((r) => chi(r, depth), low, high, 250)
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
