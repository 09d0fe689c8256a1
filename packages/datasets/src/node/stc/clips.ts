import { CflowError, type Mask } from '@cflow/base'
import { access, readdir } from 'node:fs/promises'
import { extname, join } from 'node:path'
import type { Sample, Split } from '../../dataset.js'
import { fault, fileError, isFolder, listFolder } from '../files.js'
import { fileSample } from '../layout.js'
import { fitting } from '../masks.js'
import { type Npy, openNpy, readNonZero, readNonZeroAt } from './npy.js'

/** Endings of files that are taken for videos. */
const videoExtensions: readonly string[] = ['.avi', '.mp4', '.mkv', '.mov']

/** A clip of one scene, `<scene>_<n>`: a folder of frames, or a video file where frames are not extracted. */
export interface Clip {
  readonly name: string
  readonly scene: string
  readonly path: string
  readonly isVideo: boolean
}

/** Clips of `training/frames/` and `training/videos/`; extracted frames come before the video of that name. */
export async function trainingClips(root: string): Promise<readonly Clip[]> {
  const frames = await frameClips(join(root, 'training', 'frames'))
  const extracted = new Set(frames.map((clip) => clip.name))
  const folder = join(root, 'training', 'videos')
  const names = await readdir(folder).catch((cause: unknown) => {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw fileError(folder, cause)
  })
  const videos = names
    .filter((name) => videoExtensions.includes(extname(name).toLowerCase()))
    .flatMap((name) => clipOf(name.slice(0, -extname(name).length), join(folder, name), true))
    .filter(({ name }) => !extracted.has(name))
  return [...frames, ...videos].sort((a, b) => (a.name < b.name ? -1 : Number(a.name > b.name)))
}

/** Clips of `testing/frames/`. */
export function testingClips(root: string): Promise<readonly Clip[]> {
  return frameClips(join(root, 'testing', 'frames'))
}

/** The scenes of some clips, ascending. */
export function scenesOf(clips: readonly Clip[]): readonly string[] {
  return [...new Set(clips.map((clip) => clip.scene))].sort()
}

async function frameClips(folder: string): Promise<readonly Clip[]> {
  if (!(await isFolder(folder))) return []
  const { folders } = await listFolder(folder)
  return folders.flatMap((name) => clipOf(name, join(folder, name), false))
}

/** A clip whose prefix is its scene: '01_0014' → '01'; none for another name. */
function clipOf(name: string, path: string, isVideo: boolean): Clip[] {
  const scene = /^(\d{2})_[^/\\]+$/.exec(name)?.[1]
  return scene === undefined ? [] : [{ name, scene, path, isVideo }]
}

/**
 * Names of a clip's frames in the order they were taken: by number, whatever the number of digits.
 * @throws CflowError EMPTY for a folder without images
 */
async function frameNames(folder: string): Promise<string[]> {
  const names = [...(await listFolder(folder)).images]
  if (names.length === 0)
    throw new CflowError('EMPTY', `there are no frames in ${folder}`, {
      subject: folder,
      hint: 'Frames are image files named by their number, such as 000.jpg.',
    })
  const number = (name: string): number => Number(/(\d+)\.[^.]+$/.exec(name)?.[1] ?? Infinity)
  return names.sort((a, b) => number(a) - number(b) || 0)
}

/** Clips lie in `training/` and `testing/`. */
function frameSample(root: string, clip: Clip, split: Split, name: string, defect: string): Sample {
  const id = `${split}ing/frames/${clip.name}/${name}`
  return { ...fileSample(root, { id, split, defect }), sequence: clip.name }
}

/** Every n-th frame of a training clip whose frames are extracted. */
export async function trainingFrames(root: string, clip: Clip, step: number): Promise<Sample[]> {
  const names = await frameNames(clip.path)
  return names
    .filter((_, i) => i % step === 0)
    .map((name) => frameSample(root, clip, 'train', name, 'good'))
}

/**
 * The frames of a test clip: good or anomalous by `test_frame_mask/<clip>.npy`, which is read here; anomalous ones have
 * their slice of `test_pixel_mask/<clip>.npy`, read when it is asked for. Without that folder there are no masks.
 * @throws CflowError MASK where either has another number of frames than the clip, NOT_FOUND where one is missing
 */
export async function testFrames(root: string, clip: Clip): Promise<Sample[]> {
  const names = await frameNames(clip.path)
  const framePath = join(root, 'testing', 'test_frame_mask', `${clip.name}.npy`)
  const labels = await readNonZero(await openNpy(framePath))
  requireLength(framePath, labels.length, clip, names.length)
  const pixels = await pixelMasks(root, clip, names.length)
  return names.map((name, i): Sample => {
    if (labels[i] !== 1) return frameSample(root, clip, 'test', name, 'good')
    const sample = frameSample(root, clip, 'test', name, 'anomaly')
    if (!pixels) return sample
    const [, height, width] = pixels.shape as readonly [number, number, number]
    const loadMask = async (): Promise<Mask> => {
      const mask = { width, height, data: await readNonZeroAt(pixels, i) }
      return fitting(mask, pixels.path, join(clip.path, name))
    }
    return { ...sample, loadMask }
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
  const shape = npy.shape.join('×')
  if (npy.shape.length !== 3)
    throw fault('MASK', path, `has the shape ${shape} where frames × height × width belong`)
  requireLength(path, npy.shape[0] as number, clip, frames)
  return npy
}

function requireLength(path: string, masks: number, { path: folder }: Clip, frames: number): void {
  const hint = `Frames lie in ${folder}: all of them belong there, and nothing else.`
  if (masks !== frames)
    throw fault('MASK', path, `is for ${masks} frames and the clip has ${frames}`, hint)
}
