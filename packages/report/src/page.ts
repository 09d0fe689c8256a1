import { createHash } from 'node:crypto'
import { documentOf } from './document.js'
import type { ReportInput } from './input.js'
import { markup, trusted } from './markup.js'
import { calibrationSection } from './section/calibration.js'
import { curvesSection } from './section/curves.js'
import { dataSection } from './section/data.js'
import { densitiesSection } from './section/densities.js'
import { examplesSection } from './section/examples.js'
import { headerSection, titleOf } from './section/header.js'
import { learningSection } from './section/learning.js'
import { resultsSection } from './section/results.js'
import { dotShapes, scoresSection } from './section/scores.js'
import { costSection, usageSection } from './section/usage.js'
import { sortScript } from './style.js'

/**
 * A report as one HTML file that needs nothing else: no network, no fonts, pictures inside. Sections without data are
 * left out. The same input gives the same text. Its content policy lets no script run but its own.
 * @throws CflowError SHAPE when a map does not fit its image, RUNTIME without the image library
 */
export async function renderReport(input: ReportInput): Promise<string> {
  const { threshold } = input.manifest.calibration
  const hash = createHash('sha256').update(sortScript).digest('base64')
  const body = markup`${dotShapes}
${headerSection(input)}
<main>
${resultsSection(input)}
${scoresSection(input)}
${await examplesSection(input)}
${await calibrationSection(input)}
${densitiesSection(input, threshold)}
${curvesSection(input)}
${learningSection(input)}
${dataSection(input)}
${costSection(input)}
</main>
${usageSection(input)}
<script>${trusted(sortScript)}</script>`
  return documentOf(body, { title: titleOf(input), scripts: `'sha256-${hash}'` }).text
}
