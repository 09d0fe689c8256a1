import { readingLines, type Dataset } from '@cflow/datasets'
import { openDataset, type DatasetSettings } from '@cflow/datasets/node'
import { cacheFolder } from '@cflow/weights/node'
import { join } from 'node:path'
import { note, type Session } from './io.js'
import { progressReporter } from './progress/reporter.js'

/** The images of a training, with progress shown: videos take their time to decode, and are kept in the cache folder. */
export async function openTrainingSet(
  session: Session,
  settings: DatasetSettings,
  inputSize: number,
): Promise<Dataset> {
  const reporter = progressReporter(session)
  const dataset = await openDataset(settings, {
    inputSize,
    cache: join(cacheFolder(), 'frames'),
    signal: session.io.signal,
    onProgress: (done, total) => reporter.onProgress({ stage: 'decode', done, total }),
  }).finally(reporter.end)
  return told(session, dataset)
}

/**
 * Images to evaluate or to calibrate with.
 * @param trained category of the detector, where there is one
 */
export async function openImages(
  session: Session,
  settings: DatasetSettings,
  trained?: string,
): Promise<Dataset> {
  const context = trained === undefined ? {} : { trained }
  return told(session, await openDataset(settings, context))
}

/** Say how the folders were read. */
function told(session: Session, dataset: Dataset): Dataset {
  const { reading } = dataset
  if (reading) note(session, [`images of ${reading.root}:`, ...readingLines(reading)].join('\n'))
  return dataset
}

/** Say what is remarkable about the masks. */
export function tellRemarks(session: Session, remarks: readonly string[] = []): void {
  for (const text of remarks) note(session, `note: ${text}`)
}
