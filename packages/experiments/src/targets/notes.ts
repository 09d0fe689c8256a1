import { durationText } from '../markdown.js'
import type { Result } from '../result.js'
import type { Selection } from '../selection.js'

/** How the figures beside the paper's are to be read. */
export const protocolText =
  'All figures in percent. **paper**: published. **measured**: under the authors’ rules (`paper` protocol: scales normalised over the test set, AUPRO at 1,000 thresholds, and for flows each metric’s best epoch on the test set, as they report). **Δ**: measured − paper. **strict**: last epoch, scores that depend on one image only, exact AUPRO: what to expect in use.'

/** Footnotes: why cells are empty, each reason once. */
export interface Notes {
  /** The marks of what is missing, or an empty string. */
  mark(reasons: readonly string[]): string
  /** The list of reasons, empty where nothing is missing. */
  text(): string
}

export function footnotes(): Notes {
  const reasons: string[] = []
  return {
    mark(missing) {
      const marks = missing.map((reason) => {
        if (!reasons.includes(reason)) reasons.push(reason)
        return `[${reasons.indexOf(reason) + 1}]`
      })
      return marks.join(' ')
    },
    text: () =>
      reasons.length === 0
        ? ''
        : `Not run:\n\n${reasons.map((reason, i) => `- [${i + 1}] ${reason}`).join('\n')}`,
  }
}

/** A measured cell, with the mark of what is missing. */
export const cell = (text: string, mark: string): string => (mark === '' ? text : `${text} ${mark}`)

/** Which encoders the figures beside others than the paper's are of; absent where all are the paper's. */
export function foreignEncoders(
  encoders: readonly string[],
  own: readonly string[],
  beside: string,
): string | undefined {
  const others = [...new Set(encoders)].filter((e) => !own.includes(e))
  return others.length === 0
    ? undefined
    : `The paper has no ${others.join(', ')}: the figures beside it are those of ${beside}.`
}

const setNames = {
  mvtec: 'MVTec AD',
  stc: 'ShanghaiTech Campus',
  synthetic: 'the built-in set',
} as const

/** What the run had: recipe, seeds, images, weights, machine. */
export function conditions(selection: Selection, results: readonly Result[]): string {
  const { recipe, passes, seeds } = selection
  const lines = [
    `recipe \`${recipe}\`${passes === undefined ? '' : `, ${passes} pass${passes === 1 ? '' : 'es'}`}; ${seeds === 1 ? 'one training of each kind (seed 0)' : `${seeds} trainings of each kind (seeds 0 to ${seeds - 1}), mean ± sample deviation`}`,
  ]
  const distinct = <T>(value: (result: Result) => T) => [...new Set(results.map(value))]
  for (const set of distinct((r) => r.trial.data.set)) {
    const own = results.filter((r) => r.trial.data.set === set)
    // of images that changed between trainings, the last
    const images = new Map(own.map((r) => [r.trial.data.category, r.images]))
    const texts = [...images].map(([category, n]) => `${category} (${n.train} training and ${n.test} test images)`) // prettier-ignore
    lines.push(`images of ${setNames[set]}: ${texts.join(', ')}`)
  }
  for (const [encoder, sha256] of new Map(results.map(({ weights: w }) => [w.encoder, w.sha256])))
    lines.push(`weights of ${encoder}: SHA-256 ${sha256.slice(0, 16)}…`)
  for (const machine of distinct((r) => r.machine)) lines.push(`machine: ${machine}`)
  const [first, ...later] = distinct((r) => r.date.slice(0, 10)).sort()
  if (first !== undefined) {
    const seconds = results.reduce((n, r) => n + r.seconds.fit + r.seconds.evaluate, 0)
    lines.push(`run ${[first, ...later.slice(-1)].join(' to ')}, ${durationText(seconds)} of training and evaluation in all; software ${results[0]?.software.name} ${results[0]?.software.version}`) // prettier-ignore
  }
  return `Conditions:\n\n${lines.map((line) => `- ${line}`).join('\n')}`
}
