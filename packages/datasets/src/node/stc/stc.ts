import { CflowError } from '@cflow/base'
import * as z from 'zod'
import type { Sample } from '../../dataset.js'
import { type DatasetDriver, type OpenContext, setting } from '../../driver.js'
import { fault, requireFolder } from '../files.js'
import {
  type Clip,
  scenesOf,
  testFrames,
  testingClips,
  trainingClips,
  trainingFrames,
} from './clips.js'
import { type FrameStoreOptions, frameStores, loadFrame } from './frame-store.js'

/** Frames 5 apart at 24 a second differ by a fifth of a second. */
const defaultFrameStep = 5

/** 1 and '01' are the same (a number where YAML reads one). */
const scene = z
  .union([z.string(), z.int()])
  .transform((value) => String(value).padStart(2, '0'))
  .refine((value) => /^\d{2}$/.test(value), 'a scene is a number such as 01')

const settings = z.object({
  scene: setting(scene, { help: 'scene of stc: 01 to 12', placeholder: 'NN' }),
  frameStep: setting(z.int().min(1).max(100_000), {
    help: 'train on every Nth frame of stc',
    placeholder: 'N',
    default: defaultFrameStep,
  }),
  ffmpeg: setting(z.string().min(1), {
    help: 'the ffmpeg program',
    otherwise: 'FFMPEG, else the one on the path',
    placeholder: 'FILE',
  }),
})

/**
 * One scene of ShanghaiTech Campus (Luo et al. 2017; section 5.1 of the paper trains one model for each scene):
 *
 *     training/videos/<scene>_<n>.avi, or extracted: training/frames/<clip>/*.jpg
 *     testing/frames/<clip>/*.jpg
 *     testing/test_frame_mask/<clip>.npy   [frames]: which frames are anomalous
 *     testing/test_pixel_mask/<clip>.npy   [frames, height, width]; counts where the frame is anomalous
 *
 * Training takes every n-th frame, testing all of them. Videos are decoded by ffmpeg, once: their frames are kept at the
 * detector's input size. Memory does not grow with the length of the videos, and pixel masks are read frame by frame.
 * Where nothing is trained, training clips are left alone.
 *
 * Errors beside the usual ones: NOT_FOUND for a scene (the hint lists what there is), a mask or ffmpeg; IMAGE for a
 * damaged video or one of another size; MASK for a mask that does not fit its clip.
 */
export const stc: DatasetDriver<typeof settings> = {
  name: 'stc',
  title: 'ShanghaiTech Campus',
  settings,
  async categories({ root }) {
    await requireFolder(root)
    return scenesOf(await testingClips(root))
  },
  async open({ root, scene, frameStep: step = defaultFrameStep, ffmpeg }, context) {
    await requireFolder(root)
    const training = await trainingClips(root)
    const testing = await testingClips(root)
    const chosen = scene ?? sceneOfCategory(context.trained)
    if (chosen === undefined) {
      const scenes = scenesOf([...training, ...testing]).join(', ')
      throw new CflowError('USAGE', '--dataset stc needs --scene, or --scenes all', {
        subject: '--scene',
        hint: scenes
          ? `Scenes in ${root}: ${scenes}.`
          : `There are no clips in ${root}: they lie in training/videos/<scene>_<n>.avi and testing/frames/<clip>/.`,
      })
    }
    const own = (clips: readonly Clip[]) => clips.filter((clip) => clip.scene === chosen)
    const { inputSize: size } = context
    const [wanted, kind] = size === undefined ? [testing, 'test'] : [training, 'training']
    if (own(wanted).length === 0) {
      const scenes = scenesOf(wanted).join(', ')
      throw new CflowError('NOT_FOUND', `there is no ${kind} clip of scene ${chosen} in ${root}`, {
        subject: root,
        hint: scenes
          ? `Scenes there: ${scenes}.`
          : 'Clips lie in training/videos/<scene>_<n>.avi or training/frames/<clip>/, and in testing/frames/<clip>/.',
      })
    }
    const test: Sample[] = []
    for (const clip of own(testing)) test.push(...(await testFrames(root, clip)))
    const train =
      size === undefined
        ? []
        : await trainingSamples(root, own(training), { size, step, ffmpeg }, context)
    return { name: 'stc', category: stcCategory(chosen), train, test }
  },
}

/** Name of a scene among categories, such as `stc-01`. */
const stcCategory = (scene: string): string => `stc-${scene}`

/** 'stc-01' → '01' */
function sceneOfCategory(category: string | undefined): string | undefined {
  const scene = category?.slice(-2)
  return scene !== undefined && category === stcCategory(scene) ? scene : undefined
}

/** Every n-th frame of the clips of one scene, videos decoded as needed. */
async function trainingSamples(
  root: string,
  clips: readonly Clip[],
  options: Omit<FrameStoreOptions, 'folder'>,
  { cache, signal, onProgress }: OpenContext,
): Promise<Sample[]> {
  const videos = clips.filter((clip) => clip.isVideo).map((clip) => clip.path)
  if (videos.length > 0 && cache === undefined)
    throw fault('USAGE', videos[0]!, 'is a video, and no folder for its frames is given')
  const stores = await frameStores(videos, { ...options, folder: cache ?? '', signal }, onProgress)
  const samples: Sample[] = []
  for (const clip of clips) {
    const store = stores.get(clip.path)
    if (!store) {
      samples.push(...(await trainingFrames(root, clip, options.step)))
      continue
    }
    for (let i = 0; i < store.frames; i++)
      samples.push({
        id: `training/videos/${clip.name}/${String(i * options.step).padStart(6, '0')}`,
        split: 'train',
        label: 'good',
        defect: 'good',
        sequence: clip.name,
        load: () => loadFrame(store, i),
      })
  }
  return samples
}
