import { CflowError } from '@cflow/base'
import type { Dataset } from '@cflow/datasets'
import { stcCategory, stcDataset, stcScenes } from '@cflow/datasets/node'
import type { OnProgress } from '@cflow/trainer'
import { cacheFolder } from '@cflow/weights/node'
import { join } from 'node:path'
import type { DatasetSettings } from './settings/schema.js'

/** Frames 5 apart at 24 a second differ by a fifth of a second. */
const defaultFrameStep = 5

/** What the images are opened for. */
export interface Purpose {
  /** Size at which frames of videos are kept; absent where nothing is trained. */
  readonly trainingSize?: number
  readonly signal?: AbortSignal
  readonly onProgress?: OnProgress
}

/** One scene of ShanghaiTech Campus; frames of training videos are kept in the cache folder. */
export function openStc(
  root: string,
  settings: DatasetSettings,
  trained: string | undefined,
  { trainingSize, signal, onProgress }: Purpose,
): Promise<Dataset> {
  const scene = settings.scene ?? sceneOfCategory(trained)
  if (scene === undefined) return noScene(root)
  const { frameStep = defaultFrameStep, ffmpeg } = settings
  return stcDataset(
    root,
    {
      scene,
      frameStep,
      ...(trainingSize === undefined
        ? { testOnly: true }
        : { videos: { folder: join(cacheFolder(), 'frames'), size: trainingSize, ffmpeg } }),
    },
    {
      ...(signal && { signal }),
      onProgress: (done, total) => onProgress?.({ stage: 'decode', done, total }),
    },
  )
}

/** 'stc-01' → '01' */
function sceneOfCategory(category: string | undefined): string | undefined {
  const scene = category?.slice(-2)
  return scene !== undefined && category === stcCategory(scene) ? scene : undefined
}

async function noScene(root: string): Promise<never> {
  const { training, testing } = await stcScenes(root)
  const scenes = [...new Set([...training, ...testing])].sort()
  throw new CflowError('USAGE', '--dataset stc needs --scene, or --scenes all', {
    subject: '--scene',
    hint:
      scenes.length > 0
        ? `Scenes in ${root}: ${scenes.join(', ')}.`
        : `There are no clips in ${root}: they lie in training/videos/<scene>_<n>.avi and testing/frames/<clip>/.`,
  })
}
