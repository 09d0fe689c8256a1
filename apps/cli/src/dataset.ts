import type { Dataset } from '@cflow/datasets'
import { openDataset, type DatasetSettings } from '@cflow/datasets/node'
import { cacheFolder } from '@cflow/weights/node'
import { join } from 'node:path'
import type { Session } from './io.js'
import { progressReporter } from './progress/reporter.js'

/** The images of a training, with progress shown: videos take their time to decode, and are kept in the cache folder. */
export function openTrainingSet(
  session: Session,
  settings: DatasetSettings,
  inputSize: number,
): Promise<Dataset> {
  const reporter = progressReporter(session)
  return openDataset(settings, {
    inputSize,
    cache: join(cacheFolder(), 'frames'),
    signal: session.io.signal,
    onProgress: (done, total) => reporter.onProgress({ stage: 'decode', done, total }),
  }).finally(reporter.end)
}
