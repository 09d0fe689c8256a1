import { createHash } from 'node:crypto'
import { dotShapes } from './chart/strip.js'
import type { ReportInput } from './input.js'
import { markup, trusted } from './markup.js'
import { sortScript } from './script.js'
import { curvesSection } from './section/curves.js'
import { densitySection } from './section/density.js'
import { examplesSection } from './section/examples.js'
import { headerSection } from './section/header.js'
import { learningSection } from './section/learning.js'
import { metricsSection } from './section/metrics.js'
import { scoresSection } from './section/scores.js'
import { timingSection } from './section/timing.js'
import { usageSection } from './section/usage.js'
import { style } from './style.js'

/**
 * A report as one HTML file that needs nothing else: no network, no fonts, pictures inside. Sections without data are
 * left out. The same input gives the same text. Its content policy lets no script run but its own.
 * @throws CflowError SHAPE when a map does not fit its image, RUNTIME without the image library
 */
export async function renderReport(input: ReportInput): Promise<string> {
  const hash = createHash('sha256').update(sortScript).digest('base64')
  const policy = `default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'`
  return markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${input.title}</title>
<style>${trusted(style)}</style>
</head>
<body>
${dotShapes}
${headerSection(input)}
<main>
${metricsSection(input)}
${scoresSection(input)}
${await examplesSection(input)}
${densitySection(input)}
${curvesSection(input)}
${learningSection(input)}
${timingSection(input)}
</main>
${usageSection(input)}
<script>${trusted(sortScript)}</script>
</body>
</html>
`.text
}
