import { openDataset } from '@cflow/datasets/node'
import { readDetector } from '@cflow/detector'
import { nodeRuntime } from '@cflow/runtimes/node'
import {
  judge,
  metricsDocument,
  renderReport,
  reportInput,
  runPaths,
  writeRun,
} from '@cflow/trainer/node'
import { join } from 'node:path'
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
  const dataset = await openDataset(settings, { trained: manifest.category })
  const { out } = settings
  const runtime = await nodeRuntime(deviceOptions(settings))
  await inRunFolder(session, out, {}, async (progress) => {
    const samples = dataset.test
    const judgement = await judge({
      model,
      manifest,
      samples,
      runtime,
      protocol: settings.protocol ?? 'strict',
      onProgress: progress.onProgress,
    })
    const { evaluation } = judgement
    const modelBytes = model.length
    const seconds = { total: (performance.now() - began) / 1000 }
    const sources = { manifest, judgement, dataset, runtime: runtime.name, modelBytes, seconds }
    const metrics = metricsDocument(sources)
    if (out !== undefined) {
      const { category } = dataset
      const input = { category, model, manifest, samples, judgement, history: [], runtime }
      await writeRun(out, { metrics, report: await renderReport(await reportInput(input)) })
    }
    progress.end()
    const paths = out === undefined ? undefined : runPaths(out)
    const files = paths && { metrics: paths.metrics, report: paths.report }
    if (session.json) printJson(session, { ...metrics, ...(files && { files }) })
    else session.io.out(summary(evaluation, manifest, files ? [['report', files.report]] : []))
  })
}
