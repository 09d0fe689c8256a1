import { readDetector } from '@cflow/detector'
import { chooseExamples } from '@cflow/report'
import { renderReport } from '@cflow/report/node'
import { openRuntime } from '@cflow/runtimes'
import { judge, loadExamples } from '@cflow/trainer'
import { metricsDocument, runPaths, writeRun } from '@cflow/trainer/node'
import { join } from 'node:path'
import { openDataset } from '../dataset.js'
import { printJson } from '../io.js'
import type { Session } from '../io.js'
import { inRunFolder } from '../run-folder.js'
import { everyScene } from '../scenes.js'
import { deviceOptions } from '../settings/device.js'
import { resolveSettings } from '../settings/resolve.js'
import { evaluateSchema } from '../settings/schema.js'
import { summary } from '../summary.js'

/**
 * `cflow evaluate`: a detector on labelled images; metrics.json and report.html into `--out`. With `--scenes all` the
 * path is the folder that `train --scenes all` made.
 */
export async function evaluateModel(session: Session, path: string, flags: object): Promise<void> {
  const began = performance.now()
  const settings = await resolveSettings(session, flags, evaluateSchema)
  if (settings.scenes !== undefined)
    return everyScene(session, settings, flags, (own, ownFlags, scene) =>
      evaluateModel(own, runPaths(join(path, scene)).model, ownFlags),
    )
  const { model, manifest } = await readDetector(path)
  const dataset = await openDataset(settings, manifest.category)
  const { out } = settings
  const runtime = await openRuntime(deviceOptions(settings))
  await inRunFolder(session, out, {}, async (progress) => {
    const subject = { model, samples: dataset.test, runtime }
    const { protocol = 'strict' } = settings
    const judgement = await judge({ ...subject, protocol, onProgress: progress.onProgress })
    const { evaluation, scores } = judgement
    const modelBytes = model.length
    const seconds = { total: (performance.now() - began) / 1000 }
    const sources = { manifest, judgement, dataset, runtime: runtime.name, modelBytes, seconds }
    const metrics = metricsDocument(sources)
    if (out !== undefined) {
      const { category } = dataset
      const examples = await loadExamples({ ...subject, choices: chooseExamples(scores) })
      const input = { ...judgement, category, manifest, examples, history: [], modelBytes }
      await writeRun(out, { metrics, report: await renderReport(input) })
    }
    progress.end()
    const paths = out === undefined ? undefined : runPaths(out)
    const files = paths && { metrics: paths.metrics, report: paths.report }
    if (session.json) printJson(session, { ...metrics, ...(files && { files }) })
    else session.io.out(summary(evaluation, manifest, files ? [['report', files.report]] : []))
  })
}
