import { densityPlot, densityView } from '@cflow/report'
import { label, svgFile } from '../figures/draw.js'
import { numberText } from '../markdown.js'
import { methodNames } from '../trial.js'
import { detectorFigure } from './figure-cases.js'
import type { Target } from './target.js'

/** Look of the report's chart, whose colours are variables there. */
const chartStyle =
  '.grid{stroke:#e8ebef;fill:none}.density{fill-opacity:.22;stroke-width:1.6;stroke-linejoin:round}.density.normal{fill:#1a7f45;stroke:#1a7f45}.density.anomalous{fill:#c62828;stroke:#c62828;stroke-dasharray:5 3}'

const height = 380

/** Figure 4: densities of the scores of normal and anomalous feature vectors, for the paper's class: cable. */
export const figure4: Target = (selection, laboratory) =>
  detectorFigure(selection, laboratory, selection.categories ?? ['cable'], (shown) => {
    const charts = shown.flatMap(({ one, pictures: { histogram, threshold } }) => {
      const view = densityView(histogram, threshold)
      return view ? [{ one, histogram, threshold, view }] : []
    })
    const drawn = charts.map(({ one, histogram, threshold, view }, i) => {
      const top = i * height
      const title = `${one.data.category}: ${methodNames[one.method]}, ${one.encoder}, ${one.inputSize} px`
      const chart = densityPlot(histogram, view, threshold, 1048, 'wide').text
      return `${label(20, top + 24, title, 'title')}${legend(top + 24)}<svg x="0" y="${top + 34}" width="1048" height="${height - 50}"${chart.slice('<svg'.length)}`
    })
    return {
      title: 'Figure 4: scores of normal and anomalous feature vectors',
      link: '![Densities of the scores](figure4.png)',
      texts: [
        'Each density has area 1; τ is the threshold with the best F1 on the test pixels. Scores are those of the detector file (`strict`).',
        ...charts.map(({ one, view }) => `${one.data.category}: above τ lie ${numberText(100 * view.normalAbove)} % of the normal and ${numberText(100 * view.anomalousAbove)} % of the anomalous vectors.`), // prettier-ignore
      ],
      data: charts.map(({ one, threshold, view }) => ({ category: one.data.category, threshold, ...view })), // prettier-ignore
      svg: svgFile(1060, height * Math.max(1, charts.length), drawn.join(''), chartStyle),
      filled: charts.length > 0,
    }
  })

function legend(y: number): string {
  const key = (x: number, kind: string, text: string) =>
    `<rect x="${x}" y="${y - 10}" width="16" height="11" class="density ${kind}"/>${label(x + 22, y, text)}`
  return `${key(760, 'normal', 'anomaly-free')}${key(890, 'anomalous', 'anomalous')}`
}
