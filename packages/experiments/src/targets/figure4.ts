import { densityPlot, densityView } from '@cflow/report'
import { label, pngOf, svgFile } from '../figures/draw.js'
import type { Laboratory } from '../laboratory.js'
import { numberText, paragraphs } from '../markdown.js'
import type { Case, Selection } from '../selection.js'
import { methodNames } from '../trial.js'
import { figureCases, shownCases } from './figure-cases.js'
import type { Target } from './target.js'

/** Look of the report's chart, whose colours are variables there. */
const chartStyle =
  '.grid{stroke:#e8ebef;fill:none}.density{fill-opacity:.22;stroke-width:1.6;stroke-linejoin:round}.density.normal{fill:#1a7f45;stroke:#1a7f45}.density.anomalous{fill:#c62828;stroke:#c62828;stroke-dasharray:5 3}'

const height = 380

const casesOf = (selection: Selection, laboratory: Laboratory): Promise<readonly Case[]> =>
  figureCases(selection.categories ?? ['cable'], selection, laboratory)

/** Figure 4: densities of the scores of normal and anomalous feature vectors, for the paper's class: cable. */
export const figure4: Target = {
  name: 'figure4',
  cases: casesOf,
  async document(finished) {
    const cases = await casesOf(finished.selection, finished.laboratory)
    const { shown, remarks } = await shownCases(cases, finished)
    const charts: string[] = []
    const data: object[] = []
    for (const { one, pictures } of shown) {
      const view = densityView(pictures.histogram, pictures.threshold)
      if (!view) continue
      const { category } = one.data
      const title = `${category}: ${methodNames[one.method]}, ${one.encoder}, ${one.inputSize} px`
      const chart = densityPlot(pictures.histogram, view, pictures.threshold, 1048, 'wide').text
      const top = charts.length * height
      charts.push(`${label(20, top + 24, title, 'title')}${legend(top + 24)}<svg x="0" y="${top + 34}" width="1048" height="${height - 50}"${chart.slice('<svg'.length)}`) // prettier-ignore
      data.push({ category, threshold: pictures.threshold, ...view })
    }
    const filled = charts.length > 0
    const svg = svgFile(1060, height * Math.max(1, charts.length), charts.join(''), chartStyle)
    return {
      title: 'Figure 4: scores of normal and anomalous feature vectors',
      body: paragraphs(
        filled && '![Densities of the scores](figure4.png)',
        'Each density has area 1; τ is the threshold with the best F1 on the test pixels. Scores are those of the detector file (`strict`).',
        ...(data as { category: string; normalAbove: number; anomalousAbove: number }[]).map((d) => `${d.category}: above τ lie ${numberText(100 * d.normalAbove)} % of the normal and ${numberText(100 * d.anomalousAbove)} % of the anomalous vectors.`), // prettier-ignore
        remarks(filled),
      ),
      data,
      ...(filled && { pictures: { '.svg': svg, '.png': await pngOf(svg) } }),
      filled,
    }
  },
}

function legend(y: number): string {
  const key = (x: number, kind: string, text: string) =>
    `<rect x="${x}" y="${y - 10}" width="16" height="11" class="density ${kind}"/>${label(x + 22, y, text)}`
  return `${key(760, 'normal', 'anomaly-free')}${key(890, 'anomalous', 'anomalous')}`
}
