import { rmdir } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { makeFolder, writeFileAtomic } from '@cflow/base/node'
import { jsonText } from './metrics-document.js'

/** What a training or an evaluation leaves. */
export interface RunFiles {
  /** The detector file; absent when one is only evaluated. */
  readonly model?: Uint8Array
  readonly metrics: unknown
  /** HTML. */
  readonly report: string
  /** Scores of the images, CSV. */
  readonly scores: string
}

/** Where things lie in the folder of a run. */
export const runPaths = (folder: string) => ({
  model: join(folder, 'model.onnx'),
  metrics: join(folder, 'metrics.json'),
  report: join(folder, 'report.html'),
  scores: join(folder, 'scores.csv'),
  checkpoint: join(folder, 'checkpoint'),
})

/**
 * Make the folder of a run, before any work: a place that cannot be written to is found out at once.
 * @returns removes again the folders that were made and are still empty, for when the work fails
 * @throws CflowError IO that names the path
 */
export async function prepareRun(
  folder: string,
  options: { readonly checkpoint: boolean },
): Promise<() => Promise<void>> {
  const deepest = options.checkpoint ? runPaths(folder).checkpoint : folder
  const first = await makeFolder(deepest)
  return async () => {
    if (first === undefined) return
    for (let path = resolve(deepest); path.startsWith(first); path = dirname(path))
      if (!(await removeEmpty(path))) return
  }
}

async function removeEmpty(path: string): Promise<boolean> {
  return rmdir(path).then(
    () => true,
    () => false,
  )
}

/**
 * Write model.onnx, metrics.json, report.html and scores.csv, each in one step.
 * @throws CflowError IO that names the path
 */
export async function writeRun(folder: string, files: RunFiles): Promise<void> {
  const paths = runPaths(folder)
  if (files.model) await writeFileAtomic(paths.model, files.model)
  await writeFileAtomic(paths.metrics, jsonText(files.metrics))
  await writeFileAtomic(paths.report, files.report)
  await writeFileAtomic(paths.scores, files.scores)
}
