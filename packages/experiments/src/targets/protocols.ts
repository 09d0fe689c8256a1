import { bestInputSize, isCategory } from '../paper/categories.js'
import type { Selection } from '../selection.js'
import { durationText } from '../markdown.js'
import type { Result } from '../result.js'

/** How the figures beside the paper's are to be read. */
export const protocolText =
  'All figures in percent. **paper**: published. **measured**: under the authors’ rules (`paper` protocol: scales normalised over the test set, AUPRO at 1,000 thresholds, and for flows each metric’s best epoch on the test set, as they report). **Δ**: measured − paper. **strict**: last epoch, scores that depend on one image only, exact AUPRO: what to expect in use.'

/** What the run had: recipe, seeds, images, weights, machine. */
export function conditions(selection: Selection, results: readonly Result[]): string {
  const { recipe, passes, seeds } = selection
  const lines = [
    `recipe \`${recipe}\`${passes === undefined ? '' : `, ${passes} pass${passes === 1 ? '' : 'es'}`}; ${seeds === 1 ? 'one training of each kind (seed 0)' : `${seeds} trainings of each kind (seeds 0 to ${seeds - 1}), mean ± sample deviation`}`,
  ]
  const images = new Map<string, string>()
  const weights = new Map<string, string>()
  for (const { trial, images: n, weights: w } of results) {
    const { set, category } = trial.data
    images.set(`${set} ${category}`, `${category} (${n.train} training and ${n.test} test images)`)
    weights.set(w.encoder, w.sha256)
  }
  const sets = [...new Set(results.map((r) => r.trial.data.set))]
  for (const set of sets) {
    const own = [...images].filter(([key]) => key.startsWith(`${set} `)).map(([, text]) => text)
    lines.push(`images of ${setNames[set]}: ${own.join(', ')}`)
  }
  for (const [encoder, sha256] of weights)
    lines.push(`weights of ${encoder}: SHA-256 ${sha256.slice(0, 16)}…`)
  const machines = [...new Set(results.map((r) => r.machine))]
  for (const machine of machines) lines.push(`machine: ${machine}`)
  const dates = results.map((r) => r.date).sort()
  if (dates.length > 0) {
    const [first = '', last = ''] = [dates[0], dates.at(-1)].map((d) => d?.slice(0, 10))
    const seconds = results.reduce((n, r) => n + r.seconds.fit + r.seconds.evaluate, 0)
    lines.push(`run ${first === last ? first : `${first} to ${last}`}, ${durationText(seconds)} of training and evaluation in all; software ${results[0]?.software.name} ${results[0]?.software.version}`) // prettier-ignore
  }
  return `Conditions:\n\n${lines.map((line) => `- ${line}`).join('\n')}`
}

const setNames = {
  mvtec: 'MVTec AD',
  stc: 'ShanghaiTech Campus',
  synthetic: 'the built-in set',
} as const

/** The paper's input size of a class (section 5.3); 256 for other things. */
export const paperInputSize = (category: string): number =>
  isCategory(category) ? bestInputSize[category] : 256
