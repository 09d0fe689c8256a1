import { readDetector } from '@cflow/detector'
import { conclusion, runPaths } from '@cflow/trainer/node'
import { join } from 'node:path'
import * as z from 'zod'
import { defineCommand } from '../command.js'
import { openImages, tellRemarks } from '../dataset.js'
import { madeBy, printJson, type Session } from '../io.js'
import { inRunFolder } from '../run-folder.js'
import { everyScene } from '../scenes.js'
import { runtimeOf } from '../settings/machine.js'
import {
  datasetShape,
  evaluateAt,
  machineShape,
  outFolder,
  outputShape,
  overwrite,
  protocol,
  requireStrict,
} from '../settings/schema.js'
import { summary } from '../summary.js'

const schema = z.object({
  ...datasetShape,
  protocol,
  evaluateAt,
  ...machineShape,
  out: outFolder('folder for metrics.json, report.html and scores.csv'),
  overwrite,
  ...outputShape,
})

/**
 * `cflow evaluate`: a detector on labelled images; metrics.json, report.html and scores.csv into `--out`. With `--scenes all` the
 * path is the folder that `train --scenes all` made.
 */
export const command = defineCommand({
  arguments: { model: 'detector file (model.onnx)' },
  settings: schema,
  run: evaluateModel,
})

async function evaluateModel(
  session: Session,
  settings: z.infer<typeof schema>,
  path: string,
): Promise<void> {
  const began = performance.now()
  requireStrict(settings)
  if (settings.scenes !== undefined)
    return everyScene(session, settings, (own, ofScene, scene) =>
      evaluateModel(own, ofScene, runPaths(join(path, scene)).model),
    )
  const { model, manifest } = await readDetector(path)
  const dataset = await openImages(session, settings, manifest.category)
  const { out, protocol, evaluateAt } = settings
  const runtime = await runtimeOf(settings)
  const options = {
    ...{ command: 'evaluate', results: ['metrics', 'report', 'scores'] as const },
    overwrite: settings.overwrite ?? false,
  }
  await inRunFolder(session, out, options, async (progress, run) => {
    const { onProgress } = progress
    const { judgement, metrics, pages } = await conclusion({
      ...{ model, manifest, dataset, runtime, protocol, evaluateAt, onProgress, began },
      remarks: otherCategory(manifest.category, dataset.category),
      made: madeBy(session, dataset.reading?.root),
      withReport: run !== undefined,
    })
    if (run && pages) await run.write({ metrics, ...pages })
    progress.end()
    tellRemarks(session, judgement.remarks)
    const paths = out === undefined ? undefined : runPaths(out)
    const files = paths && { metrics: paths.metrics, report: paths.report, scores: paths.scores }
    if (session.json) printJson(session, { ...metrics, ...(files && { files }) })
    else {
      const rows: [string, string][] = files ? [['report', files.report]] : []
      session.io.out(summary(judgement.evaluation, manifest, rows, judgement.ownEvidence))
    }
  })
}

const otherCategory = (trained: string, judged: string): readonly string[] =>
  trained === judged
    ? []
    : [`the detector was trained on images called ${trained}, these are called ${judged}`]
