import { CflowError } from '@cflow/base'
import type { Mask } from '@cflow/base'
import { access } from 'node:fs/promises'
import { join } from 'node:path'
import type { Sample } from '../../dataset.js'
import { imageSize } from '../decode.js'
import { fileSample } from '../file-sample.js'
import { isFolder } from '../files.js'
import { frameNames } from './layout.js'
import type { Clip } from './layout.js'
import { openNpy, readNonZero, readNonZeroAt } from './npy.js'
import type { Npy } from './npy.js'

/** Type of anomaly of every anomalous frame: the dataset names none. */
export const stcDefect = 'anomaly'

/**
 * The frames of a test clip: good or anomalous by `test_frame_mask/<clip>.npy`, which is read here; anomalous ones have
 * their slice of `test_pixel_mask/<clip>.npy`, read when it is asked for. Without that folder there are no masks.
 * @throws CflowError MASK where either has another number of frames than the clip, NOT_FOUND where one is missing
 */
export async function testSamples(root: string, clip: Clip): Promise<Sample[]> {
  const folder = clip.frames as string
  const names = await frameNames(folder)
  const framePath = join(root, 'testing', 'test_frame_mask', `${clip.name}.npy`)
  const labels = await readNonZero(await openNpy(framePath))
  requireLength(framePath, labels.length, folder, names.length)
  const pixels = await pixelMasks(root, clip, names.length)
  return names.map((name, i): Sample => {
    const id = `testing/frames/${clip.name}/${name}`
    const anomalous = labels[i] === 1
    const file = fileSample({ root, id, split: 'test', defect: anomalous ? stcDefect : 'good' })
    const sample = { ...file, sequence: clip.name }
    return pixels && anomalous
      ? { ...sample, loadMask: () => maskAt(pixels, i, join(folder, name)) }
      : sample
  })
}

async function pixelMasks(root: string, clip: Clip, frames: number): Promise<Npy | undefined> {
  const folder = join(root, 'testing', 'test_pixel_mask')
  if (!(await isFolder(folder))) return undefined
  const path = join(folder, `${clip.name}.npy`)
  await access(path).catch((cause: unknown) => {
    throw new CflowError('NOT_FOUND', `there is no pixel mask ${path}`, {
      subject: path,
      hint: 'Every test clip has one; without test_pixel_mask/ only whole frames are judged.',
      cause,
    })
  })
  const npy = await openNpy(path)
  if (npy.shape.length !== 3)
    throw new CflowError(
      'MASK',
      `${path} has the shape ${npy.shape.join('×')} where frames × height × width belong`,
      { subject: path },
    )
  requireLength(path, npy.shape[0] as number, clip.frames as string, frames)
  return npy
}

async function maskAt(npy: Npy, index: number, imagePath: string): Promise<Mask> {
  const [, height, width] = npy.shape as readonly [number, number, number]
  const image = await imageSize(imagePath)
  if (image.width !== width || image.height !== height)
    throw new CflowError(
      'MASK',
      `the mask has ${width}×${height} pixels and its frame ${imagePath} ${image.width}×${image.height}`,
      { subject: npy.path },
    )
  return { width, height, data: await readNonZeroAt(npy, index) }
}

function requireLength(path: string, masks: number, folder: string, frames: number): void {
  if (masks !== frames)
    throw new CflowError('MASK', `${path} is for ${masks} frames and the clip has ${frames}`, {
      subject: path,
      hint: `Frames lie in ${folder}: all of them belong there, and nothing else.`,
    })
}
