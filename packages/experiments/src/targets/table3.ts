import { paragraphs, percentText, table } from '../markdown.js'
import { isCategory } from '../paper/categories.js'
import { table3Average, table3Figures } from '../paper/table3.js'
import type { ClassFigures } from '../paper/table3.js'
import { mvtec } from '../selection.js'
import type { Case, Selection } from '../selection.js'
import { methodNames } from '../trial.js'
import type { Method } from '../trial.js'
import { bestSize, comparison, comparisonCells, comparisonHead } from './compare.js'
import type { Comparison } from './compare.js'
import { footnotes } from './notes.js'
import type { Notes } from './notes.js'
import { conditions, paperInputSize, protocolText } from './protocols.js'
import { classesOf, meansOf } from './table2.js'
import type { Finished, Target } from './target.js'

/** Published figures of one method on one class, percent. */
interface Triple {
  readonly image?: number
  readonly pixel?: number
  readonly aupro?: number
}

/** A part of Table 3: one method on one encoder. */
interface Part {
  readonly method: Method
  readonly encoder: string
  published(figures: ClassFigures): Triple
}

const wide: Record<'cflow' | 'spade' | 'padim', Part['published']> = {
  cflow: ({ wideResnet50: { detection, localisation } }) => ({ image: detection, pixel: localisation[0], aupro: localisation[1] }), // prettier-ignore
  spade: ({ spade }) => ({ pixel: spade[0], aupro: spade[1] }),
  padim: ({ padim }) => ({ pixel: padim[0], aupro: padim[1] }),
}

export function partsOf({ encoders, methods }: Selection): readonly Part[] {
  const [large, ...smaller] = encoders ?? ['wide-resnet50-2', 'resnet18']
  const parts: Part[] = []
  for (const method of ['cflow', 'padim', 'spade'] as const)
    parts.push({ method, encoder: large as string, published: wide[method] })
  for (const encoder of smaller)
    parts.push({
      method: 'cflow',
      encoder,
      published: ({ resnet18 }) => ({ image: resnet18.detection, pixel: resnet18.localisation }),
    })
  return parts.filter((p) => !methods || methods.includes(p.method))
}

/** Input sizes that a method is run at on a class: CFLOW at the paper's best, the others at 256 pixels. */
export function sizesOf(selection: Selection, method: Method, category: string): readonly number[] {
  if (selection.inputSizes) return selection.inputSizes
  return [method === 'cflow' ? paperInputSize(category) : 256]
}

/** The cases of a method on a class, one for each input size. */
export const casesOf = (
  selection: Selection,
  method: Method,
  encoder: string,
  category: string,
): readonly Case[] =>
  sizesOf(selection, method, category).map((inputSize) => ({
    method,
    encoder,
    inputSize,
    data: mvtec(category),
  }))

/** Table 3: every class at its best input size, detection and localisation. */
export const table3: Target = {
  name: 'table3',
  cases: (selection) =>
    Promise.resolve(
      classesOf(selection).flatMap((category) =>
        partsOf(selection).flatMap((p) => casesOf(selection, p.method, p.encoder, category)),
      ),
    ),
  document(finished) {
    const { selection } = finished
    const notes = footnotes()
    const parts = partsOf(selection).map((part) => partOf(finished, part, notes))
    const results = parts.flatMap((p) => p.rows.flatMap((r) => r.results))
    return Promise.resolve({
      title: 'Table 3: every class of MVTec AD',
      body: paragraphs(
        protocolText,
        foreign(partsOf(selection)),
        ...parts.map((p) => p.text),
        cutPaste(selection),
        notes.text(),
        conditions(selection, results),
      ),
      data: parts.flatMap((p) => p.rows),
      filled: results.length > 0,
    })
  },
}

function partOf({ selection, caseOf }: Finished, part: Part, notes: Notes) {
  const { method, encoder } = part
  const rows = classesOf(selection).map((category) => {
    const sizes = casesOf(selection, method, encoder, category).map((one) => ({
      size: one.inputSize,
      outcome: caseOf(one),
    }))
    const { size, outcome } = bestSize(sizes)
    const published = isCategory(category) ? part.published(table3Figures(category)) : {}
    return {
      ...{ method, encoder, category, inputSize: size },
      image: comparison(outcome, 'image', published.image),
      pixel: comparison(outcome, 'pixel', published.pixel),
      aupro: comparison(outcome, 'aupro', published.aupro),
      results: outcome.results,
      missing: outcome.reasons,
    }
  })
  const covered = rows.filter((r) => r.results.length > 0)
  const means = (['image', 'pixel', 'aupro'] as const).map((m) => meansOf(covered.map((r) => r[m])))
  const lines = [
    ...rows.map((r) => [
      r.category,
      String(r.inputSize),
      ...comparisonCells(r.image, notes.mark(r.missing)),
      ...[r.pixel, r.aupro].flatMap((c: Comparison) => comparisonCells(c)),
    ]),
    [`mean of ${covered.length}`, '', ...means.flatMap((c) => comparisonCells(c))],
  ]
  const head = ['class', 'px', ...['det. AUROC', 'loc. AUROC', 'AUPRO'].flatMap(comparisonHead)]
  const text = `## ${methodNames[method]}, ${encoder}\n\n${table(head, lines)}`
  return { text, rows }
}

/** What the paper quotes of CutPaste, which is not computed here. */
function cutPaste(selection: Selection): string {
  const figures = classesOf(selection).filter(isCategory).map((c) => [c, table3Figures(c).cutPaste] as const) // prettier-ignore
  const rows = [...figures, ['average', table3Average.cutPaste] as const].map(
    ([name, f]) =>
    [name, ...[f.localisation, f.detection, f.detectionEffNetB4].map((mean) => percentText({ mean }))], // prettier-ignore
  )
  const head = ['class', 'loc. (ResNet-18)', 'det. (ResNet-18)', 'det. (EfficientNet-B4)']
  return `## CutPaste, as the paper quotes it\n\nNot computed here: it trains its own encoder.\n\n${table(head, rows)}`
}

function foreign(parts: readonly Part[]): string | undefined {
  const others = [...new Set(parts.map((p) => p.encoder))].filter(
    (e) => !['wide-resnet50-2', 'resnet18'].includes(e),
  )
  if (others.length === 0) return undefined
  return `The paper has no ${others.join(', ')}: the figures beside it are those of the paper’s encoder in that place.`
}
