import { percentText, table } from '../markdown.js'
import { isCategory, table3Figures } from '../paper/classes.js'
import { metrics } from '../result.js'
import { classesOf, mvtec, paperInputSize, type Case, type Selection } from '../selection.js'
import { methodNames, type Method } from '../trial.js'
import { bestSize, comparison, comparisonTable, publishedOf, withMeans } from './compare.js'
import { footnotes, foreignEncoders, protocolText } from './notes.js'
import { trialDocument, type Target } from './target.js'

/** A part of Table 3: one method on one encoder, and the model of the paper it stands beside. */
interface Part {
  readonly method: Method
  readonly encoder: string
  readonly beside: 'cflow' | 'padim' | 'spade' | 'resnet18'
}

function partsOf({ encoders, methods }: Selection): readonly Part[] {
  const [encoder = 'wide-resnet50-2', ...smaller] = encoders ?? ['wide-resnet50-2', 'resnet18']
  const parts: readonly Part[] = [
    ...(['cflow', 'padim', 'spade'] as const).map((method) => ({ method, encoder, beside: method })), // prettier-ignore
    ...smaller.map((encoder): Part => ({ method: 'cflow', encoder, beside: 'resnet18' })),
  ]
  return parts.filter((p) => !methods || methods.includes(p.method))
}

/**
 * The cases of a method on a class: at the sizes that are asked for, else CFLOW at the paper's best and the others at 256
 * pixels.
 */
export const casesOf = (
  { inputSizes }: Selection,
  method: Method,
  encoder: string,
  category: string,
): readonly Case[] =>
  (inputSizes ?? [method === 'cflow' ? paperInputSize(category) : 256]).map((inputSize) => ({ method, encoder, inputSize, data: mvtec(category) })) // prettier-ignore

/** Table 3: every class at its best input size, detection and localisation. */
export const table3: Target = (selection) => {
  const classes = classesOf(selection)
  const parts = partsOf(selection)
  const casesOfPart = ({ method, encoder }: Part, category: string) =>
    casesOf(selection, method, encoder, category)
  return {
    cases: classes.flatMap((category) => parts.flatMap((p) => casesOfPart(p, category))),
    document(outcomeOf) {
      const notes = footnotes()
      const measured = parts.map((part) => {
        const { method, encoder, beside } = part
        const data = classes.map((category) => {
          const { inputSize, outcome } = bestSize(casesOfPart(part, category), outcomeOf)
          const figures = isCategory(category) ? table3Figures(category)[beside] : undefined
          const [image, pixel, aupro] = metrics.map((m) => comparison(outcome, m, publishedOf(figures, m))) // prettier-ignore
          return { method, encoder, category, inputSize, image, pixel, aupro, ...outcome }
        })
        const { rows } = withMeans(data.map((d) => ({
          words: [d.category, String(d.inputSize)],
          comparisons: metrics.map((m) => d[m] ?? {}),
          missing: d.missing,
        }))) // prettier-ignore
        const text = comparisonTable(['class', 'px'], ['det. AUROC', 'loc. AUROC', 'AUPRO'], rows, notes) // prettier-ignore
        return { data, text: `## ${methodNames[method]}, ${encoder}\n\n${text}` }
      })
      const data = measured.flatMap((m) => m.data)
      return trialDocument(
        { title: 'Table 3: every class of MVTec AD', data },
        [
          protocolText,
          foreignEncoders(parts.map((p) => p.encoder), ['wide-resnet50-2', 'resnet18'], 'the paper’s encoder in that place'), // prettier-ignore
          ...measured.map((m) => m.text),
          cutPaste(classes),
        ],
        { selection, notes, results: data.flatMap((d) => d.results) },
      )
    },
  }
}

/** What the paper quotes of CutPaste, which is not computed here. */
function cutPaste(classes: readonly string[]): string {
  const rows = [...classes.filter(isCategory), 'average' as const].map((line) => {
    const { cutPaste, cutPasteB4 } = table3Figures(line)
    const figures = [cutPaste.localisation, cutPaste.detection, cutPasteB4.detection]
    return [line, ...figures.map((mean) => percentText({ mean }))]
  })
  const head = ['class', 'loc. (ResNet-18)', 'det. (ResNet-18)', 'det. (EfficientNet-B4)']
  return `## CutPaste, as the paper quotes it\n\nNot computed here: it trains its own encoder.\n\n${table(head, rows)}`
}
