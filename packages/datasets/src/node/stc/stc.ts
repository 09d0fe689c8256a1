import { CflowError } from '@cflow/base'
import * as z from 'zod'
import type { Dataset, Sample } from '../../dataset.js'
import { noImages, requireFolder } from '../files.js'
import { stcScenes, testingClips, trainingClips } from './layout.js'
import { testSamples } from './testing.js'
import { trainingSamples } from './training.js'

const optionsSchema = z.strictObject({
  scene: z.string().regex(/^\d{2}$/, 'a scene has two digits, such as 01'),
  frameStep: z.int().min(1).max(100_000).optional(),
  videos: z
    .strictObject({
      folder: z.string().min(1),
      size: z.int().min(1).max(4096),
      ffmpeg: z.string().min(1).optional(),
    })
    .optional(),
  testOnly: z.boolean().optional(),
})

/** What of the ShanghaiTech Campus dataset is used, and how. */
export interface StcOptions {
  /** Scene '01' to '12' ('13' has nothing to test): the prefix of its clips. */
  readonly scene: string
  /** Every n-th frame of the training clips; default 1, all of them. Test clips are always whole. */
  readonly frameStep?: number
  /** How videos to train on are read; without it only extracted frames are. */
  readonly videos?: {
    /** Folder that keeps resized frames, so that a video is decoded once; it may be deleted at any time. */
    readonly folder: string
    /** Frames are kept at size×size pixels: the input size of the detector. */
    readonly size: number
    /** The ffmpeg program; default that of the environment variable FFMPEG, else `ffmpeg` on the path. */
    readonly ffmpeg?: string | undefined
  }
  /** Leave the training clips alone: `train` is empty then. */
  readonly testOnly?: boolean
}

export interface StcHooks {
  readonly signal?: AbortSignal
  /** Frames of training videos decoded so far, and in all as far as the videos' headers tell. */
  readonly onProgress?: (done: number, total: number) => void
}

/**
 * One scene of ShanghaiTech Campus (Luo et al. 2017; section 5.1 of the paper trains one model for each scene):
 *
 *     training/videos/<scene>_<n>.avi, or extracted: training/frames/<clip>/*.jpg
 *     testing/frames/<clip>/*.jpg
 *     testing/test_frame_mask/<clip>.npy   [frames]: which frames are anomalous
 *     testing/test_pixel_mask/<clip>.npy   [frames, height, width]; counts where the frame is anomalous
 *
 * Videos are decoded by ffmpeg, once: their frames are kept at the detector's input size (`videos.folder`). Memory does
 * not grow with the length of the videos, and pixel masks are read frame by frame.
 * @throws CflowError USAGE; NOT_FOUND for the root, the scene (the hint lists what there is), a mask or ffmpeg; EMPTY;
 *   IMAGE for a damaged video or one of another size; MASK for a mask that does not fit its clip; IO
 */
export async function stcDataset(
  root: string,
  options: StcOptions,
  hooks: StcHooks = {},
): Promise<Dataset> {
  const { scene, frameStep = 1, videos, testOnly = false } = parsed(options)
  await requireFolder(root)
  const training = testOnly ? [] : await trainingClips(root, scene)
  const testing = await testingClips(root, scene)
  if ((testOnly ? testing : training).length === 0) throw await noScene(root, scene, testOnly)
  const video = training.find((clip) => clip.video !== undefined)
  if (video && !videos)
    throw new CflowError(
      'USAGE',
      `${video.video} is a video, and no folder for its frames is given`,
      {
        subject: 'videos',
      },
    )
  const test: Sample[] = []
  for (const clip of testing) test.push(...(await testSamples(root, clip)))
  const train = await trainingSamples(root, training, {
    folder: '',
    size: 1,
    ...videos,
    ...hooks,
    step: frameStep,
  })
  if (!testOnly && train.length === 0) throw noImages(root)
  return { name: 'stc', category: stcCategory(scene), train, test }
}

/** Name of a scene among categories, such as `stc-01`. */
export const stcCategory = (scene: string): string => `stc-${scene}`

function parsed(options: StcOptions): z.infer<typeof optionsSchema> {
  const result = optionsSchema.safeParse(options)
  if (result.success) return result.data
  const [issue] = result.error.issues
  const subject = issue?.path.join('.') ?? ''
  throw new CflowError('USAGE', `${subject}: ${issue?.message}`, { subject })
}

async function noScene(root: string, scene: string, tested: boolean): Promise<CflowError> {
  const { training, testing } = await stcScenes(root)
  const scenes = tested ? testing : training
  const hint =
    scenes.length === 0
      ? 'Clips lie in training/videos/<scene>_<n>.avi or training/frames/<clip>/, and in testing/frames/<clip>/.'
      : `Scenes there: ${scenes.join(', ')}.`
  const message = `there is no ${tested ? 'test clip' : 'training clip'} of scene ${scene} in ${root}`
  return new CflowError('NOT_FOUND', message, { subject: root, hint })
}
