import type { Dataset } from '@cflow/datasets'
import { type DatasetSettings, openDataset } from '@cflow/datasets/node'
import { cacheFolder } from '@cflow/encoders/node'
import { join } from 'node:path'
import type { Session } from './io.js'
import { progressReporter } from './progress/reporter.js'

/** The images of a training, with progress shown: videos take their time to decode, and their frames are kept. */
export function openTrainingSet(
  session: Session,
  settings: DatasetSettings,
  inputSize: number,
): Promise<Dataset> {
  const { onProgress, end } = progressReporter(session)
  return openDataset(settings, {
    inputSize,
    cache: join(cacheFolder(), 'frames'),
    signal: session.io.signal,
    onProgress: (done, total) => onProgress({ stage: 'decode', done, total }),
  }).finally(end)
}
