import * as z from 'zod'

/**
 * How the dimensions are mixed between coupling layers.
 * - `soft`: a fixed random rotation (the paper's code)
 * - `hard`: a fixed random permutation
 * - `alternate`: none; the halves take turns at being transformed, and there is no global affine map
 */
export const permutationSchema = z.enum(['soft', 'hard', 'alternate'])

/** σ = α·tanh(a) (`paper`, as in the released checkpoints) or α·tanh(a/α) (`freia`, newer FrEIA). */
export const clampSchema = z.enum(['paper', 'freia'])

export const flowConfigSchema = z.strictObject({
  /** D: length of the feature vectors */
  depth: z.int().min(2),
  /** C: length of the condition vectors; 0 makes an unconditional flow (the paper's UFLOW) */
  condition: z.int().min(0),
  couplingLayers: z.int().min(1),
  permutation: permutationSchema,
  clamp: clampSchema,
})
export type FlowConfig = z.infer<typeof flowConfigSchema>

/** α, the bound of the log-scales. */
export const clampBound = 1.9

/** γ₀: the global scale g(γ₀) is 1. */
export const initialGlobalScale = 9.986478501101022

/** The two halves of a feature vector: d₁ = ⌈D/2⌉ passes through, d₂ = ⌊D/2⌋ is transformed. */
export const halves = (depth: number): readonly [number, number] => [
  Math.ceil(depth / 2),
  Math.floor(depth / 2),
]

export interface BlockShape {
  /** Whether the second half (else the first) is the one transformed. */
  readonly second: boolean
  /** Dimensions that pass through and feed the subnet. */
  readonly passive: number
  /** Dimensions that are transformed. */
  readonly active: number
  /** Width of the subnet's hidden layer: twice its input. */
  readonly hidden: number
}

/** Sizes of coupling layer k (0-based). */
export function blockShape(config: FlowConfig, k: number): BlockShape {
  const [d1, d2] = halves(config.depth)
  const second = config.permutation !== 'alternate' || k % 2 === 0
  const [passive, active] = second ? [d1, d2] : [d2, d1]
  return { second, passive, active, hidden: 2 * (passive + config.condition) }
}

/** Names and shapes of the trainable parameters, in the order of the authors' checkpoints. */
export function parameterShapes(config: FlowConfig): [string, readonly number[]][] {
  const list: [string, readonly number[]][] = []
  for (let k = 0; k < config.couplingLayers; k++) {
    const { passive, active, hidden } = blockShape(config, k)
    const prefix = `module_list.${k}`
    if (config.permutation !== 'alternate')
      list.push(
        [`${prefix}.global_scale`, [1, config.depth]],
        [`${prefix}.global_offset`, [1, config.depth]],
      )
    list.push(
      [`${prefix}.subnet.0.weight`, [hidden, passive + config.condition]],
      [`${prefix}.subnet.0.bias`, [hidden]],
      [`${prefix}.subnet.2.weight`, [2 * active, hidden]],
      [`${prefix}.subnet.2.bias`, [2 * active]],
    )
  }
  return list
}
