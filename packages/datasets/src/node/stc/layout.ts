import { CflowError } from '@cflow/base'
import { readdir } from 'node:fs/promises'
import { extname, join } from 'node:path'
import {
  compareNames,
  fileError,
  isFolder,
  isImageName,
  listFolder,
  requireFolder,
} from '../files.js'

/** Endings of files that are taken for videos. */
const videoExtensions: readonly string[] = ['.avi', '.mp4', '.mkv', '.mov']

/** A clip of one scene, `<scene>_<n>`. */
export interface Clip {
  readonly name: string
  /** Where its frames lie as images. */
  readonly frames?: string
  /** Its video file, where frames are not extracted. */
  readonly video?: string
}

/** Scene of a clip by its prefix: '01_0014' → '01'; undefined for another name. */
export function sceneOf(clip: string): string | undefined {
  return /^(\d{2})_[^/\\]+$/.exec(clip)?.[1]
}

/**
 * The scenes in a folder, ascending: those with clips to train on, and those with clips to test (the paper's 12; the
 * 13th has no ground truth).
 * @throws CflowError NOT_FOUND where there is no such folder
 */
export async function stcScenes(
  root: string,
): Promise<{ readonly training: readonly string[]; readonly testing: readonly string[] }> {
  await requireFolder(root)
  const scenes = (clips: readonly Clip[]): string[] =>
    [...new Set(clips.map((clip) => sceneOf(clip.name) as string))].sort(compareNames)
  return { training: scenes(await trainingClips(root)), testing: scenes(await testingClips(root)) }
}

/** Clips of `training/frames/` and `training/videos/`; extracted frames come before the video of that name. */
export async function trainingClips(root: string, scene?: string): Promise<Clip[]> {
  const frames = await frameClips(join(root, 'training', 'frames'), scene)
  const extracted = new Set(frames.map((clip) => clip.name))
  const folder = join(root, 'training', 'videos')
  const videos = (await namesIn(folder))
    .filter((name) => videoExtensions.includes(extname(name).toLowerCase()))
    .map((name) => ({ name: name.slice(0, -extname(name).length), video: join(folder, name) }))
    .filter(({ name }) => belongs(name, scene) && !extracted.has(name))
  return [...frames, ...videos].sort((a, b) => compareNames(a.name, b.name))
}

/** Clips of `testing/frames/`. */
export function testingClips(root: string, scene?: string): Promise<Clip[]> {
  return frameClips(join(root, 'testing', 'frames'), scene)
}

async function frameClips(folder: string, scene: string | undefined): Promise<Clip[]> {
  if (!(await isFolder(folder))) return []
  const { folders } = await listFolder(folder)
  return folders
    .filter((name) => belongs(name, scene))
    .map((name) => ({ name, frames: join(folder, name) }))
}

const belongs = (clip: string, scene: string | undefined): boolean => {
  const own = sceneOf(clip)
  return own !== undefined && (scene === undefined || own === scene)
}

async function namesIn(folder: string): Promise<string[]> {
  if (!(await isFolder(folder))) return []
  return readdir(folder).then(
    (names) => names.filter((name) => !name.startsWith('.')),
    (cause: unknown) => {
      throw fileError(folder, cause)
    },
  )
}

/**
 * Names of a clip's frames in the order they were taken: by number, whatever the number of digits.
 * @throws CflowError EMPTY for a folder without images
 */
export async function frameNames(folder: string): Promise<string[]> {
  const names = (await listFolder(folder)).images.filter(isImageName)
  if (names.length === 0)
    throw new CflowError('EMPTY', `there are no frames in ${folder}`, {
      subject: folder,
      hint: 'Frames are image files named by their number, such as 000.jpg.',
    })
  const number = (name: string): number => Number(/(\d+)\.[^.]+$/.exec(name)?.[1] ?? Infinity)
  return names.sort((a, b) => number(a) - number(b) || compareNames(a, b))
}
