import { CflowError } from '@cflow/base'
import { methodOf, resolveConfig, type TrainConfig, type TrainOptions } from '@cflow/methods'

/** Settings that may differ from those that are tuned. */
export type Changes = TrainOptions

/** A choice of settings that is tried. */
export interface Candidate {
  /** For people, such as `input-size 512, passes 12`; empty for the settings as they are. */
  readonly name: string
  readonly changes: Changes
  readonly config: TrainConfig
}

/**
 * What is tried, one or two changes at a time, the likeliest to help first: where time runs out, the rest is not tried.
 * `scoreShares` are tried with each of them, since they need no training of their own.
 */
const variations: readonly (Changes & { readonly when?: 'large' | 'budget' })[] = [
  { neighbourhoods: '1' },
  { inputSize: 512, when: 'large' },
  { passes: 12 },
  { neighbourhoods: '1+3,1+3,3' },
  { passes: 0 },
  { inputSize: 512, neighbourhoods: '1', when: 'large' },
  { poolLayers: 2 },
  { neighbourhoods: '3' },
  { remembered: 0 },
  { neighbourhoods: '5' },
  { aggregation: 'calibrated' },
  { passes: 12, neighbourhoods: '1' },
  { passes: 0, neighbourhoods: '3' },
  { inputSize: 512, passes: 0, when: 'large' },
  { inputSize: 512, neighbourhoods: '1+3,1+3,3', when: 'large' },
  // of other methods
  { averaging: 1 },
  { averaging: 5 },
  { joinedTaps: 3 },
  { joinedTaps: 1 },
  // cheap ones, for who has to keep a bound
  { inputSize: 192, when: 'budget' },
  { inputSize: 128, when: 'budget' },
  { remembered: 0, poolLayers: 2, when: 'budget' },
  { remembered: 0, neighbourhoods: '1', when: 'budget' },
  { inputSize: 128, remembered: 0, neighbourhoods: '1', when: 'budget' },
]

/** Shares of the map's pixels whose mean is the score. */
export const scoreShares: readonly number[] = [0, 0.003, 0.01, 0.03]

/** From how much longer a side than the input size on a larger input is tried. */
const largerBy = 1.3

/**
 * The settings as they are, first, and what differs from them in one or two.
 * @param base complete settings
 * @param about.fixed settings that were asked for and stay
 * @param about.encoders others that could take the encoder's place
 * @param about.side longer side of the images, in pixels
 */
export function tuneCandidates(
  base: TrainConfig,
  about: {
    readonly fixed?: readonly string[]
    readonly encoders?: readonly string[]
    readonly side: number
    readonly budget?: number | undefined
  },
): readonly Candidate[] {
  const { fixed = [], encoders = [], side, budget } = about
  const own = methodOf(base.method).settings.shape
  const isFixed = (key: string) =>
    fixed.includes(key) || (base.onnx !== undefined && ['inputSize', 'encoder'].includes(key))
  const others = encoders.filter((encoder) => encoder !== base.encoder)
  const listed = [
    ...variations.slice(0, 8),
    ...others.map((encoder): (typeof variations)[number] => ({ encoder })),
    ...variations.slice(8),
  ]
  const found: Candidate[] = [candidateOf(base, {})]
  for (const { when, ...changes } of listed) {
    if (when === 'large' && side < largerBy * base.inputSize) continue
    if (when === 'budget' && budget === undefined) continue
    const keys = Object.keys(changes)
    if (keys.some((key) => isFixed(key) || !(key in own))) continue
    const candidate = tried(base, changes)
    if (candidate && !found.some((c) => sameConfig(c.config, candidate.config)))
      found.push(candidate)
  }
  return found
}

/** Undefined where the settings do not go together. */
function tried(base: TrainConfig, changes: Changes): Candidate | undefined {
  try {
    return candidateOf(base, changes)
  } catch (error) {
    if (error instanceof CflowError) return undefined
    throw error
  }
}

/** @throws CflowError CONFIG for settings that do not go together */
export function candidateOf(base: TrainConfig, changes: Changes): Candidate {
  const config = resolveConfig({ ...base, ...changes } as TrainOptions) as TrainConfig
  return { name: nameOf(changes), changes, config }
}

/** Two candidates' changes in one, where they do not change the same. */
export function combined(base: TrainConfig, a: Candidate, b: Candidate): Candidate | undefined {
  const keys = Object.keys(a.changes)
  if (keys.length === 0 || Object.keys(b.changes).length === 0) return undefined
  if (Object.keys(b.changes).some((key) => keys.includes(key))) return undefined
  return tried(base, { ...a.changes, ...b.changes })
}

export const sameConfig = (a: TrainConfig, b: TrainConfig): boolean =>
  JSON.stringify(a) === JSON.stringify(b)

/** { inputSize: 512, passes: 12 } → 'input-size 512, passes 12' */
const nameOf = (changes: Changes): string =>
  Object.entries(changes)
    .map(
      ([key, value]) => `${key.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`)} ${String(value)}`,
    ) // prettier-ignore
    .join(', ')
