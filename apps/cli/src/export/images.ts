import { CflowError } from '@cflow/base'
import type { RgbImage } from '@cflow/base'
import type { Dataset } from '@cflow/datasets'
import { decodeImage } from '@cflow/datasets/node'
import type { Images } from '@cflow/quantization'
import { ordered } from '@cflow/base'
import { findImages } from '../predict/paths.js'
import type { Session } from '../io.js'

/** The images to calibrate on: those of a folder, else the good images of the dataset; undefined without either. */
export async function calibrationImages(
  session: Session,
  folder: string | undefined,
  dataset: Dataset | undefined,
): Promise<Images | undefined> {
  const loaders =
    folder === undefined ? dataset?.train.map((s) => () => s.load()) : await files(folder)
  if (!loaders) return undefined
  return async function* () {
    for await (const image of ordered(loaders, (load) => load())) {
      session.io.signal.throwIfAborted()
      yield image
    }
  }
}

async function files(folder: string): Promise<readonly (() => Promise<RgbImage>)[]> {
  const targets = await findImages([folder])
  return targets.map((target) => () => {
    if ('error' in target) throw target.error
    return decodeImage(target.path)
  })
}

/** @throws CflowError USAGE when there are none */
export function required(images: Images | undefined): Images {
  if (images) return images
  throw new CflowError('USAGE', '--precision int8 needs images to calibrate on', {
    subject: '--calibration',
    hint: 'give --calibration DIR with good images, or --root with the images the detector was trained on',
  })
}
