/** The classes of MVTec AD, and the input size that the paper found best for each (section 5.3). */
export const bestInputSize = {
  bottle: 512,
  cable: 256,
  capsule: 256,
  carpet: 512,
  grid: 512,
  hazelnut: 256,
  leather: 512,
  metal_nut: 256,
  pill: 256,
  screw: 512,
  tile: 512,
  toothbrush: 512,
  transistor: 128,
  wood: 512,
  zipper: 512,
} as const

export type Category = keyof typeof bestInputSize

/** In the order of the paper's tables. */
export const categories = Object.keys(bestInputSize) as readonly Category[]

export const isCategory = (name: string): name is Category => Object.hasOwn(bestInputSize, name)

/** A published figure in percent, with its deviation over four runs where it is given. */
export interface Published {
  readonly mean: number
  readonly deviation?: number
}

/** One column of Table 2. */
export interface AblationColumn {
  readonly encoder: string
  readonly couplingLayers: number
  readonly poolLayers: 1 | 2 | 3
  readonly inputSize: number
  readonly method: 'cflow' | 'uflow'
}

/** The columns of Table 2, left to right. */
export const table2Columns = (
  [
    ['wide-resnet50-2', 4, 2, 256, 'cflow'],
    ['wide-resnet50-2', 8, 2, 256, 'cflow'],
    ['wide-resnet50-2', 8, 3, 256, 'cflow'],
    ['wide-resnet50-2', 8, 3, 512, 'cflow'],
    ['wide-resnet50-2', 8, 3, 512, 'uflow'],
    ['resnet18', 8, 3, 256, 'cflow'],
    ['resnet18', 8, 3, 512, 'cflow'],
    ['mobilenet-v3-large', 8, 3, 256, 'cflow'],
    ['mobilenet-v3-large', 8, 3, 512, 'cflow'],
  ] as const
).map(
  ([encoder, couplingLayers, poolLayers, inputSize, method]): AblationColumn =>
    ({ encoder, couplingLayers, poolLayers, inputSize, method }), // prettier-ignore
)

type Cell = readonly [mean: number, deviation?: number]

// prettier-ignore
const table2Rows: Readonly<Record<Category, readonly Cell[]>> = {
  bottle: [[97.28, 0.03], [97.24, 0.03], [98.76, 0.01], [98.98, 0.01], [98.83, 0.01], [98.47, 0.03], [98.64, 0.01], [98.74], [98.92]],
  cable: [[95.71, 0.01], [96.17, 0.07], [97.64, 0.04], [97.12, 0.06], [95.29, 0.04], [96.75, 0.04], [96.07, 0.06], [97.62], [97.49]],
  capsule: [[98.17, 0.02], [98.19, 0.05], [98.98, 0.00], [98.64, 0.02], [98.40, 0.12], [98.62, 0.02], [98.28, 0.05], [98.89], [98.75]],
  carpet: [[98.50, 0.01], [98.55, 0.01], [99.23, 0.01], [99.25, 0.01], [99.24, 0.00], [99.00, 0.01], [99.29, 0.00], [98.64], [99.00]],
  grid: [[93.77, 0.05], [93.88, 0.16], [96.89, 0.02], [98.99, 0.02], [98.74, 0.00], [93.95, 0.04], [98.53, 0.01], [94.75], [98.81]],
  hazelnut: [[98.08, 0.01], [98.13, 0.02], [98.82, 0.01], [98.89, 0.01], [98.88, 0.01], [98.81, 0.01], [98.41, 0.01], [98.88], [99.00]],
  leather: [[98.92, 0.02], [99.00, 0.06], [99.61, 0.01], [99.66, 0.00], [99.65, 0.00], [99.45, 0.01], [99.51, 0.02], [99.50], [99.64]],
  metal_nut: [[96.72, 0.03], [96.72, 0.06], [98.56, 0.03], [98.25, 0.04], [98.16, 0.03], [97.59, 0.05], [96.42, 0.03], [98.36], [98.78]],
  pill: [[98.46, 0.02], [98.46, 0.01], [98.95, 0.00], [98.52, 0.05], [98.20, 0.08], [98.34, 0.02], [97.80, 0.05], [98.69], [98.44]],
  screw: [[94.98, 0.06], [95.28, 0.06], [98.10, 0.05], [98.86, 0.02], [98.78, 0.01], [97.38, 0.03], [98.40, 0.03], [98.04], [99.09]],
  tile: [[95.52, 0.02], [95.66, 0.06], [97.71, 0.02], [98.01, 0.01], [97.98, 0.02], [95.10, 0.02], [95.80, 0.10], [96.07], [96.48]],
  toothbrush: [[98.02, 0.03], [97.98, 0.00], [98.56, 0.02], [98.93, 0.00], [98.89, 0.00], [98.44, 0.02], [99.00, 0.01], [98.09], [98.80]],
  transistor: [[93.09, 0.28], [94.05, 0.11], [93.28, 0.40], [80.52, 0.13], [76.28, 0.14], [92.71, 0.23], [83.34, 0.46], [97.79], [95.22]],
  wood: [[90.65, 0.10], [90.59, 0.07], [94.49, 0.03], [96.65, 0.01], [96.56, 0.02], [93.51, 0.03], [95.00, 0.04], [92.24], [94.96]],
  zipper: [[96.80, 0.02], [97.01, 0.05], [98.41, 0.09], [99.08, 0.02], [99.06, 0.01], [97.71, 0.06], [98.98, 0.01], [97.50], [99.07]],
}

/** Localisation AUROC of Table 2, percent, by class and column. */
export function table2Figure(category: Category, column: number): Published {
  const [mean, deviation] = table2Rows[category][column] as Cell
  return { mean, ...(deviation !== undefined && { deviation }) }
}

/** The last line of Table 2. */
export const table2Average: readonly number[] = [
  96.31, 96.46, 97.87, 97.36, 96.86, 97.06, 96.9, 97.59, 98.16,
]

/** Figures of one model, percent; absent where the paper gives none. */
export interface Figures {
  readonly detection?: number
  readonly localisation?: number
  readonly aupro?: number
}

/** AUROC and AUPRO of the localisation. */
type Pair = readonly [auroc: number, aupro: number]

type Row = readonly [
  cutPaste: number,
  localisation18: number,
  cutPasteDetection: number,
  detection18: number,
  cutPasteB4: number,
  detection50: number,
  spade: Pair,
  padim: Pair,
  localisation50: Pair,
]

/**
 * As printed. For their columns to have the printed averages, SPADE's AUPRO on wood (97.4) would have to be 10 less, and
 * PaDiM's on leather (88.8) 9 more.
 */
// prettier-ignore
const table3Rows: Readonly<Record<Category | 'average', Row>> = {
  bottle: [97.6, 98.64, 98.3, 100.0, 100.0, 100.0, [98.4, 95.5], [98.3, 94.8], [98.98, 96.8]],
  cable: [90.0, 96.75, 80.6, 97.62, 96.2, 97.59, [97.2, 90.9], [96.7, 88.8], [97.64, 93.53]],
  capsule: [97.4, 98.62, 96.2, 93.15, 95.4, 97.68, [99.0, 93.7], [98.5, 93.5], [98.98, 93.4]],
  carpet: [98.3, 99.29, 93.1, 98.2, 100.0, 98.73, [97.5, 94.7], [99.1, 96.2], [99.25, 97.7]],
  grid: [97.5, 98.53, 99.9, 98.97, 99.1, 99.6, [93.7, 86.7], [97.3, 94.6], [98.99, 96.08]],
  hazelnut: [97.3, 98.81, 97.3, 99.91, 99.9, 99.98, [99.1, 95.4], [98.2, 92.6], [98.89, 96.68]],
  leather: [99.5, 99.51, 100.0, 100.0, 100.0, 100.0, [97.6, 97.2], [98.9, 88.8], [99.66, 99.35]],
  metal_nut: [93.1, 97.59, 99.3, 98.45, 98.6, 99.26, [98.1, 94.4], [97.2, 85.6], [98.56, 91.65]],
  pill: [95.7, 98.34, 92.4, 93.02, 93.3, 96.82, [96.5, 94.6], [95.7, 92.7], [98.95, 95.39]],
  screw: [96.7, 98.4, 86.3, 85.94, 86.6, 91.89, [98.9, 96.0], [98.5, 94.4], [98.86, 95.3]],
  tile: [90.5, 95.8, 93.4, 98.4, 99.8, 99.88, [87.4, 75.9], [94.1, 86.0], [98.01, 94.34]],
  toothbrush: [98.1, 99.0, 98.3, 99.86, 90.7, 99.65, [97.9, 93.5], [98.8, 93.1], [98.93, 95.06]],
  transistor: [93.0, 97.69, 95.5, 93.04, 97.5, 95.21, [94.1, 87.4], [97.5, 84.5], [97.99, 81.4]],
  wood: [95.5, 95.0, 98.6, 98.59, 99.8, 99.12, [88.5, 97.4], [94.9, 91.1], [96.65, 95.79]],
  zipper: [99.3, 98.98, 99.4, 96.15, 99.9, 98.48, [96.5, 92.6], [98.5, 95.9], [99.08, 96.6]],
  average: [96.0, 98.06, 95.2, 96.75, 97.1, 98.26, [96.0, 91.7], [97.5, 92.1], [98.62, 94.6]],
}

const pair = ([localisation, aupro]: Pair) => ({ localisation, aupro })

/** A line of Table 3 by model: of a class, or the last one. */
export function table3Figures(line: Category | 'average') {
  const [cut, loc18, cutDetection, det18, cutB4, det50, spade, padim, loc50] = table3Rows[line]
  return {
    cflow: { detection: det50, ...pair(loc50) },
    spade: pair(spade),
    padim: pair(padim),
    resnet18: { detection: det18, localisation: loc18 },
    cutPaste: { detection: cutDetection, localisation: cut },
    cutPasteB4: { detection: cutB4 },
  } satisfies Readonly<Record<string, Figures>>
}
