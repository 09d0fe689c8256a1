import { paragraphs, percentText, table } from '../markdown.js'
import { table5 as published } from '../paper/tables.js'
import type { PublishedAverage } from '../paper/tables.js'
import type { Laboratory } from '../laboratory.js'
import type { Case, Selection } from '../selection.js'
import { methodNames } from '../trial.js'
import { comparison, comparisonCells, comparisonHead } from './compare.js'
import { footnotes } from './notes.js'
import { conditions, protocolText } from './protocols.js'
import { meansOf } from './table2.js'
import type { Target } from './target.js'

const computed = ['cflow', 'padim', 'spade'] as const
type Computed = (typeof computed)[number]

/** The scenes that can be tested (the 13th has no ground truth). */
const allScenes = Array.from({ length: 12 }, (_, i) => String(i + 1).padStart(2, '0'))

async function scenesOf({ scenes }: Selection, { resources }: Laboratory) {
  if (scenes) return scenes
  const there = await resources.available('stc')
  return there.length > 0 ? there : allScenes
}

/** Of each method, the gallery and the covariances at the paper's 256 pixels. */
const caseFor = (selection: Selection, method: Computed, category: string): Case => ({
  method,
  encoder: selection.encoders?.[0] ?? 'wide-resnet50-2',
  inputSize: selection.inputSizes?.[0] ?? 256,
  data: { set: 'stc', category, frameStep: selection.frameStep },
})

const methodsOf = ({ methods }: Selection) =>
  computed.filter((m) => !methods || methods.includes(m))

/** Table 5: averages over the scenes of ShanghaiTech Campus. */
export const table5: Target = {
  name: 'table5',
  async cases(selection, laboratory) {
    const scenes = await scenesOf(selection, laboratory)
    return scenes.flatMap((s) => methodsOf(selection).map((m) => caseFor(selection, m, s)))
  },
  async document({ selection, laboratory, caseOf }) {
    const notes = footnotes()
    const scenes = await scenesOf(selection, laboratory)
    const head = (first: string) => [first, ...['frames AUROC', 'pixels AUROC'].flatMap(comparisonHead)] // prettier-ignore
    const rows = methodsOf(selection).map((method) => {
      const own = scenes.map((scene) => {
        const outcome = caseOf(caseFor(selection, method, scene))
        return {
          scene,
          image: comparison(outcome, 'image', undefined),
          pixel: comparison(outcome, 'pixel', undefined),
          results: outcome.results,
          missing: outcome.reasons,
        }
      })
      const covered = own.filter((s) => s.results.length > 0)
      const { detection, localisation }: PublishedAverage = published[method]
      const image = meansOf(covered.map((s) => s.image))
      const pixel = meansOf(covered.map((s) => s.pixel))
      return {
        method,
        scenes: own,
        image: { ...image, ...(detection !== undefined && { published: { mean: detection } }) },
        pixel: {
          ...pixel,
          ...(localisation !== undefined && { published: { mean: localisation } }),
        },
      }
    })
    const results = rows.flatMap((r) => r.scenes.flatMap((s) => s.results))
    const summary = [
      ...rows.map((r) => [
        r.method === 'cflow' ? 'CFLOW-AD' : methodNames[r.method],
        ...comparisonCells(r.image, notes.mark([...new Set(r.scenes.flatMap((s) => s.missing))])),
        ...comparisonCells(r.pixel),
      ]),
      ['CAVGA (not computed here)', '–', '–', '–', '–', percentText({ mean: published.cavga.localisation }), '–', '–', '–'], // prettier-ignore
    ]
    return {
      title: 'Table 5: averages on ShanghaiTech Campus',
      body: paragraphs(
        protocolText,
        `The paper averages 12 scenes; measured are ${new Set(results.map((r) => r.trial.data.category)).size}, training on every ${selection.frameStep === 1 ? '' : `${selection.frameStep}th `}frame.`,
        table(head('model'), summary),
        ...rows.map((r) => `## ${methodNames[r.method]} by scene\n\n${table(head('scene'), r.scenes.map((s) => [s.scene, ...comparisonCells(s.image, notes.mark(s.missing)), ...comparisonCells(s.pixel)]))}`), // prettier-ignore
        notes.text(),
        conditions(selection, results),
      ),
      data: rows,
      filled: results.length > 0,
    }
  },
}
