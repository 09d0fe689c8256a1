import { escaped, label, picture, svgFile } from '../figures/draw.js'
import { detectorFigure, type Shown } from './figure-cases.js'
import type { Target } from './target.js'

/** Pixels of one picture, and of what stands around it. */
const [side, gap, left, head] = [132, 4, 96, 42]

/** Figure 3: input with ground truth, anomaly map, predicted mask at the threshold with the best F1. */
export const figure3: Target = async (selection, laboratory) => {
  const { available } = laboratory.resources
  const real = await available('mvtec')
  const there = real.length > 0 ? real : await available('synthetic')
  return detectorFigure(selection, laboratory, selection.categories ?? there, (bands) => {
    const columns = Math.max(1, ...bands.map((b) => b.pictures.examples.length))
    const band = head + 3 * (side + gap) + 14
    const content = bands.map((b, i) => drawBand(b, i * band)).join('')
    return {
      title: 'Figure 3: examples with ground truth, anomaly map and predicted mask',
      link: '![Examples](figure3.png)',
      texts: [
        'Top: the input, the true defect outlined in red. Middle: the anomaly map over it. Bottom: the predicted mask in white at the threshold with the best F1 on the test pixels, the true outline in red. The images are the first of each type of defect and the first good one, chosen before any score was known.',
      ],
      data: bands.map(({ one, pictures: { threshold, examples } }) => ({ category: one.data.category, threshold, examples: examples.map(({ id, defect }) => ({ id, defect })) })), // prettier-ignore
      svg: svgFile(left + columns * (side + gap) + 12, Math.max(1, bands.length) * band, content),
      filled: bands.length > 0,
    }
  })
}

function drawBand(
  { one: { data, inputSize }, pictures: { examples } }: Shown,
  top: number,
): string {
  const rows = [
    ['input', 'input'],
    ['map', 'heat'],
    ['mask', 'mask'],
  ] as const
  const parts = [label(8, top + 18, `${data.category}, ${inputSize} px`, 'title')]
  for (const [r, [name, key]] of rows.entries()) {
    const y = top + head + r * (side + gap)
    parts.push(label(8, y + side / 2, name))
    for (const [c, example] of examples.entries())
      parts.push(picture(left + c * (side + gap), y, side, example[key]))
  }
  for (const [c, { defect, id }] of examples.entries()) {
    const name = label(left + c * (side + gap), top + head - 6, defect, 'small')
    parts.push(`<g><title>${escaped(id)}</title>${name}</g>`)
  }
  return parts.join('')
}
