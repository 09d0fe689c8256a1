import type { Figures } from './classes.js'

/** Symbolic complexity of Table 1: the encoder's parameters λ are common to all. */
export const table1 = {
  spade: { train: 'G', test: 'Σ_{v∈G} ‖v − zᵢ‖²', memory: 'λ + G' },
  padim: { train: 'Σᵢ⁻¹', test: 'M(zᵢ)', memory: 'λ + Σᵢ⁻¹' },
  cflow: { train: 'L(θ)', test: 'log p(zᵢ, cᵢ, θ)', memory: 'λ + θ' },
} as const

/** The averages of a model, percent. */
export interface PublishedAverage extends Figures {
  readonly model: string
}

/** Table 4, averages on MVTec AD. */
export const table4 = {
  differnet: { model: 'DifferNet', detection: 94.9 },
  dfr: { model: 'DFR', localisation: 95.0, aupro: 91.0 },
  svdd: { model: 'Patch SVDD', detection: 92.1, localisation: 95.7 },
  spade: { model: 'SPADE', detection: 85.5, localisation: 96.0, aupro: 91.7 },
  cutPaste: { model: 'CutPaste', detection: 97.1, localisation: 96.0 },
  padim: { model: 'PaDiM', detection: 97.9, localisation: 97.5, aupro: 92.1 },
  cflow: { model: 'CFLOW-AD', detection: 98.26, localisation: 98.62, aupro: 94.6 },
} as const satisfies Readonly<Record<string, PublishedAverage>>

/** Table 5, averages on ShanghaiTech Campus. */
export const table5 = {
  cavga: { model: 'CAVGA', localisation: 85.0 },
  spade: { model: 'SPADE', detection: 71.9, localisation: 89.9 },
  padim: { model: 'PaDiM', localisation: 91.2 },
  cflow: { model: 'CFLOW-AD', detection: 72.63, localisation: 94.48 },
} as const satisfies Readonly<Record<string, PublishedAverage>>

/** One line of Table 6. Speeds of SPADE and PaDiM are on a CPU, the others on a GPU (section 5.5). */
export interface SpeedRow {
  readonly method: 'encoder' | 'padim' | 'spade' | 'cflow'
  readonly encoder: string
  /** Images per second at 256 and at 512 pixels. */
  readonly fps: readonly [at256: number, at512?: number]
  /** Megabytes on MVTec AD, and on STC where it is another number. */
  readonly megabytes: { readonly mvtec: number; readonly stc?: number }
}

const [r18, wrn50, mnet] = ['resnet18', 'wide-resnet50-2', 'mobilenet-v3-large'] as const

/** Table 6. */
export const table6: readonly SpeedRow[] = [
  { method: 'encoder', encoder: r18, fps: [80, 62], megabytes: { mvtec: 45 } },
  { method: 'padim', encoder: r18, fps: [4.4], megabytes: { mvtec: 170, stc: 210 } },
  { method: 'cflow', encoder: r18, fps: [34, 12], megabytes: { mvtec: 96 } },
  { method: 'encoder', encoder: wrn50, fps: [62, 30], megabytes: { mvtec: 268 } },
  { method: 'spade', encoder: wrn50, fps: [0.1], megabytes: { mvtec: 1400, stc: 37_000 } },
  { method: 'padim', encoder: wrn50, fps: [1.1], megabytes: { mvtec: 3800, stc: 5200 } },
  { method: 'cflow', encoder: wrn50, fps: [27, 9], megabytes: { mvtec: 947 } },
  { method: 'encoder', encoder: mnet, fps: [82, 61], megabytes: { mvtec: 12 } },
  { method: 'cflow', encoder: mnet, fps: [35, 12], megabytes: { mvtec: 25 } },
]

/** MVTec AD has 3,629 training images in 15 classes (section 5.1). */
export const meanTrainingImages = Math.round(3629 / 15)
