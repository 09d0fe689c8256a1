import type { Category } from './categories.js'

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

const column = (
  encoder: string,
  couplingLayers: number,
  poolLayers: 1 | 2 | 3,
  inputSize: number,
  method: 'cflow' | 'uflow' = 'cflow',
): AblationColumn => ({ encoder, couplingLayers, poolLayers, inputSize, method })

/** The columns of Table 2, left to right. */
export const table2Columns: readonly AblationColumn[] = [
  column('wide-resnet50-2', 4, 2, 256),
  column('wide-resnet50-2', 8, 2, 256),
  column('wide-resnet50-2', 8, 3, 256),
  column('wide-resnet50-2', 8, 3, 512),
  column('wide-resnet50-2', 8, 3, 512, 'uflow'),
  column('resnet18', 8, 3, 256),
  column('resnet18', 8, 3, 512),
  column('mobilenet-v3-large', 8, 3, 256),
  column('mobilenet-v3-large', 8, 3, 512),
]

type Cell = readonly [mean: number, deviation?: number]

// prettier-ignore
const rows: Readonly<Record<Category, readonly Cell[]>> = {
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
  const [mean, deviation] = rows[category][column] as Cell
  return { mean, ...(deviation !== undefined && { deviation }) }
}

/** The last line of Table 2. */
export const table2Average: readonly number[] = [
  96.31, 96.46, 97.87, 97.36, 96.86, 97.06, 96.9, 97.59, 98.16,
]
