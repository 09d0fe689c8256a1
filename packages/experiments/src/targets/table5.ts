import { table5 as published } from '../paper/tables.js'
import type { Case } from '../selection.js'
import { methodNames } from '../trial.js'
import {
  comparison,
  comparisonTable,
  meansOf,
  modelName,
  notComputed,
  publishedOf,
} from './compare.js'
import { footnotes, protocolText } from './notes.js'
import { trialDocument, type Target } from './target.js'

const computed = ['cflow', 'padim', 'spade'] as const

/** The scenes that can be tested (the 13th has no ground truth). */
const allScenes = Array.from({ length: 12 }, (_, i) => String(i + 1).padStart(2, '0'))

/** Table 5: averages over the scenes of ShanghaiTech Campus. */
export const table5: Target = async (selection, { resources }) => {
  const { frameStep, methods } = selection
  const there = selection.scenes ?? (await resources.available('stc'))
  const scenes = there.length > 0 ? there : allScenes
  const own = computed.filter((m) => !methods || methods.includes(m))
  // of each method, the gallery and the covariances at the paper's 256 pixels
  const caseFor = (method: (typeof computed)[number], category: string): Case => ({
    method,
    encoder: selection.encoders?.[0] ?? 'wide-resnet50-2',
    inputSize: selection.inputSizes?.[0] ?? 256,
    data: { set: 'stc', category, frameStep },
  })
  return {
    cases: scenes.flatMap((scene) => own.map((method) => caseFor(method, scene))),
    document(outcomeOf) {
      const notes = footnotes()
      const data = own.map((method) => {
        const measured = scenes.map((scene) => {
          const outcome = outcomeOf(caseFor(method, scene))
          const of = (metric: 'image' | 'pixel') => comparison(outcome, metric, undefined)
          return { scene, image: of('image'), pixel: of('pixel'), ...outcome }
        })
        const covered = measured.filter((s) => s.results.length > 0)
        const mean = (metric: 'image' | 'pixel') => {
          const whole = publishedOf(published[method], metric)
          return { ...meansOf(covered.map((s) => s[metric])), ...(whole && { published: whole }) }
        }
        return { method, scenes: measured, image: mean('image'), pixel: mean('pixel') }
      })
      const results = data.flatMap((d) => d.scenes.flatMap((s) => s.results))
      const text = (word: string, rows: Parameters<typeof comparisonTable>[2]) =>
        comparisonTable([word], ['frames AUROC', 'pixels AUROC'], rows, notes)
      const averages = data.map((d) => ({
        words: [modelName(d.method)],
        comparisons: [d.image, d.pixel],
        missing: [...new Set(d.scenes.flatMap((s) => s.missing))],
      }))
      const { cavga } = published
      const quoted = { words: [notComputed(cavga)], comparisons: [{}, { published: { mean: cavga.localisation } }] } // prettier-ignore
      return trialDocument(
        { title: 'Table 5: averages on ShanghaiTech Campus', data },
        [
          protocolText,
          `The paper averages 12 scenes; measured are ${new Set(results.map((r) => r.trial.data.category)).size}, training on every ${frameStep === 1 ? '' : `${frameStep}th `}frame.`,
          text('model', [...averages, quoted]),
          ...data.map((d) => `## ${methodNames[d.method]} by scene\n\n${text('scene', d.scenes.map((s) => ({ words: [s.scene], comparisons: [s.image, s.pixel], missing: s.missing })))}`), // prettier-ignore
        ],
        { selection, notes, results },
      )
    },
  }
}
