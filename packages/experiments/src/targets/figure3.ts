import type { Pictures } from '../conduct/pictures.js'
import { escaped, label, picture, pngOf, svgFile } from '../figures/draw.js'
import type { Laboratory } from '../laboratory.js'
import { paragraphs } from '../markdown.js'
import type { Case, Selection } from '../selection.js'
import { figureCases, shownCases } from './figure-cases.js'
import type { Target } from './target.js'

/** Pixels of one picture, and of what stands around it. */
const [side, gap, left, head] = [132, 4, 96, 42]

async function casesOf(selection: Selection, laboratory: Laboratory): Promise<readonly Case[]> {
  const real = await laboratory.resources.available('mvtec')
  const there = real.length > 0 ? real : await laboratory.resources.available('synthetic')
  return figureCases(selection.categories ?? there, selection, laboratory)
}

/** Figure 3: input with ground truth, anomaly map, predicted mask at the threshold with the best F1. */
export const figure3: Target = {
  name: 'figure3',
  cases: casesOf,
  async document(finished) {
    const cases = await casesOf(finished.selection, finished.laboratory)
    const { shown: bands, remarks } = await shownCases(cases, finished)
    const columns = Math.max(1, ...bands.map((b) => b.pictures.examples.length))
    const band = head + 3 * (side + gap) + 14
    const width = left + columns * (side + gap) + 12
    const svg = svgFile(width, Math.max(1, bands.length) * band, bands.map((b, i) => drawBand(b, i * band)).join('')) // prettier-ignore
    const filled = bands.length > 0
    return {
      title: 'Figure 3: examples with ground truth, anomaly map and predicted mask',
      body: paragraphs(
        filled && '![Examples](figure3.png)',
        'Top: the input, the true defect outlined in red. Middle: the anomaly map over it. Bottom: the predicted mask in white at the threshold with the best F1 on the test pixels, the true outline in red. The images are the first of each type of defect and the first good one, chosen before any score was known.',
        remarks(filled),
      ),
      data: bands.map(({ one, pictures: { threshold, examples } }) => ({ category: one.data.category, threshold, examples: examples.map(({ id, defect }) => ({ id, defect })) })), // prettier-ignore
      ...(filled && { pictures: { '.svg': svg, '.png': await pngOf(svg) } }),
      filled,
    }
  },
}

function drawBand(
  { one: { data, inputSize }, pictures }: { readonly one: Case; readonly pictures: Pictures },
  top: number,
): string {
  const rows = [
    ['input', 'input'],
    ['map', 'heat'],
    ['mask', 'mask'],
  ] as const
  const parts = [label(8, top + 18, `${data.category}, ${inputSize} px`, 'title')]
  rows.forEach(([name, key], r) => {
    const y = top + head + r * (side + gap)
    parts.push(label(8, y + side / 2, name))
    pictures.examples.forEach((example, c) => {
      parts.push(picture(left + c * (side + gap), y, side, example[key]))
    })
  })
  pictures.examples.forEach(({ defect, id }, c) => {
    const x = left + c * (side + gap)
    parts.push(`<g><title>${escaped(id)}</title>${label(x, top + head - 6, defect, 'small')}</g>`)
  })
  return parts.join('')
}
