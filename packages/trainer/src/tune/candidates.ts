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
  /** Worth trying only where the settings as they are take longer than the budget. */
  readonly cheap?: true
}

/** What is tried. */
interface Variation {
  readonly changes: Changes
  readonly cheap?: true
}

/** Every value of one setting. */
const of = <K extends keyof Changes>(key: K, ...values: Changes[K][]): Variation[] =>
  values.map((value) => ({ changes: { [key]: value } }))

/**
 * What is tried, the likeliest to help first: where time runs out, the rest is not tried. `scoreShares` are tried with each of
 * them, since they need no training of their own.
 */
const variations: readonly Variation[] = [
  ...of('inputSize', 384, 192),
  ...of('resize', 'pad'),
  ...of('neighbourhoods', '1', '3'),
  ...of('remembered', 0),
  ...of('passes', 12, 0),
  ...of('inputSize', 320),
  ...of('imageScales', 2),
  ...of('poolLayers', 2, 4),
  ...of('aggregation', 'calibrated'),
  // of other methods
  ...of('averaging', 1, 5),
  ...of('joinedTaps', 3, 1),
  // cheap ones, for who has to keep a bound
  ...[
    { remembered: 0, neighbourhoods: '1' },
    { inputSize: 128 },
    { remembered: 0, poolLayers: 2 } as const,
    { inputSize: 192, remembered: 0, neighbourhoods: '1' },
    { inputSize: 128, remembered: 0, neighbourhoods: '1' },
    { inputSize: 96, remembered: 0, neighbourhoods: '1', poolLayers: 2 } as const,
    { inputSize: 64, remembered: 0, neighbourhoods: '1', poolLayers: 1 } as const,
    { inputSize: 128, averaging: 1 } as const,
    { inputSize: 64, averaging: 1 } as const,
  ].map((changes): Variation => ({ changes, cheap: true })),
]
/** After so many of them come other encoders. */
const beforeEncoders = 7

/** Shares of the map's pixels whose mean is the score. */
export const scoreShares: readonly number[] = [0, 0.003, 0.01, 0.03]

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
    /** Their longer side over the shorter one; 1 when absent. */
    readonly proportion?: number
    readonly budget?: number | undefined
  },
): readonly Candidate[] {
  const { fixed = [], encoders = [], side, proportion = 1, budget } = about
  const own = methodOf(base.method).settings.shape
  const isFixed = (key: string) =>
    fixed.includes(key) || (base.onnx !== undefined && ['inputSize', 'encoder'].includes(key))
  const others = encoders.filter((encoder) => encoder !== base.encoder)
  const listed = [
    ...variations.slice(0, beforeEncoders),
    ...of('encoder', ...others),
    ...variations.slice(beforeEncoders),
  ]
  const found: Candidate[] = [candidateOf(base, {})]
  for (const { changes, cheap } of listed) {
    // what is not in the images cannot be seen in a larger copy of them
    if ((changes.inputSize ?? 0) > Math.max(side, base.inputSize)) continue
    if (cheap && budget === undefined) continue
    // squares are not changed by it
    if (changes.resize === 'pad' && proportion < 1.2) continue
    const keys = Object.keys(changes)
    if (keys.some((key) => isFixed(key) || !(key in own))) continue
    const candidate = tried(base, changes)
    if (candidate && !found.some((c) => sameConfig(c.config, candidate.config)))
      found.push({ ...candidate, ...(cheap && { cheap }) })
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

/** Whether a detector may take less time with the changes. */
export const mayBeQuicker = (base: TrainConfig, { changes }: Candidate): boolean =>
  Object.keys(changes).some((key) => !['passes', 'aggregation', 'scoreShare'].includes(key)) &&
  !((changes.inputSize ?? 0) > base.inputSize)

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
