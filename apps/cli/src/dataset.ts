import { CflowError } from '@cflow/base'
import { syntheticDataset, syntheticKinds } from '@cflow/datasets'
import type { Dataset, SyntheticKind } from '@cflow/datasets'
import { folderDataset, mvtecCategories, mvtecDataset } from '@cflow/datasets/node'
import type { Session } from './io.js'
import { progressReporter } from './progress/reporter.js'
import type { DatasetSettings } from './settings/schema.js'
import { openStc } from './stc.js'
import type { Purpose } from './stc.js'

/**
 * The images that the settings choose. Which images those are never depends on the training's seed, so that trainings
 * with different seeds compare.
 * @param trained category of the detector that is evaluated, used where no category is given
 * @param purpose what videos are decoded for
 * @throws CflowError USAGE for what is missing, NOT_FOUND, EMPTY, MASK, IMAGE
 */
export async function openDataset(
  settings: DatasetSettings,
  trained?: string,
  purpose: Purpose = {},
): Promise<Dataset> {
  const { root, category } = settings
  const name = settings.dataset ?? (root === undefined ? undefined : 'folder')
  if (name === undefined)
    throw new CflowError('USAGE', 'no images to work on: --dataset or --root is missing', {
      subject: '--dataset',
      hint: 'Give --root DIR with your images, or --dataset mvtec|folder|stc|synthetic.',
    })
  for (const [key, flag, owner] of [
    ['trainImages', '--train-images', 'synthetic'],
    ['testImages', '--test-images', 'synthetic'],
    ['scene', '--scene', 'stc'],
    ['frameStep', '--frame-step', 'stc'],
    ['ffmpeg', '--ffmpeg', 'stc'],
  ] as const)
    if (settings[key] !== undefined && name !== owner)
      throw new CflowError('USAGE', `${flag} is for --dataset ${owner} only`, { subject: flag })
  if (name === 'synthetic') return synthetic(settings, trained)
  if (root === undefined)
    throw new CflowError('USAGE', `--dataset ${name} needs --root`, {
      subject: '--root',
      hint: 'Give the folder that holds the images.',
    })
  if (name === 'stc') return openStc(root, settings, trained, purpose)
  if (name === 'folder') return folderDataset(root, category === undefined ? {} : { category })
  return mvtec(root, category, trained)
}

/** The images of a training, with progress shown: videos take their time to decode. */
export function openTrainingSet(
  session: Session,
  settings: DatasetSettings,
  trainingSize: number,
): Promise<Dataset> {
  const { onProgress, end } = progressReporter(session)
  const { signal } = session.io
  return openDataset(settings, undefined, { trainingSize, signal, onProgress }).finally(end)
}

async function mvtec(
  root: string,
  category: string | undefined,
  trained: string | undefined,
): Promise<Dataset> {
  if (category !== undefined) return mvtecDataset(root, category)
  const categories = await mvtecCategories(root)
  if (trained !== undefined && categories.includes(trained)) return mvtecDataset(root, trained)
  if (categories.length === 0) return mvtecDataset(root) // the category's own folder, or an error
  throw new CflowError('USAGE', '--dataset mvtec needs --category', {
    subject: '--category',
    hint: `Categories in ${root}: ${categories.join(', ')}.`,
  })
}

function synthetic(settings: DatasetSettings, trained: string | undefined): Dataset {
  const { root, category, trainImages, testImages } = settings
  if (root !== undefined)
    throw new CflowError('USAGE', '--dataset synthetic draws its images: it has no --root', {
      subject: '--root',
    })
  const isKind = (name: string | undefined): name is SyntheticKind =>
    syntheticKinds.includes(name as SyntheticKind)
  if (category !== undefined && !isKind(category))
    throw new CflowError('NOT_FOUND', `there is no synthetic category '${category}'`, {
      subject: '--category',
      hint: `Use one of ${syntheticKinds.join(', ')}.`,
    })
  const kind = category ?? (isKind(trained) ? trained : syntheticKinds[0])
  return syntheticDataset({
    kind,
    ...(trainImages !== undefined && { train: trainImages }),
    ...(testImages !== undefined && { test: testImages }),
  })
}
