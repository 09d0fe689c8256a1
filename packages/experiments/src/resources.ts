import { ordered, type AnyAbortSignal } from '@cflow/base'
import type { Dataset, Sample } from '@cflow/datasets'
import { datasetCategories, openDataset } from '@cflow/datasets/node'
import { encoderSpec } from '@cflow/encoders'
import { findEncoderWeights, loadEncoderWeights } from '@cflow/encoders/node'
import type { OnProgress } from '@cflow/trainer'
import { cacheFolder, sha256OfFile } from '@cflow/weights/node'
import { createHash } from 'node:crypto'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Trial, TrialData } from './trial.js'

/** Something a trial needs, or in one sentence what is missing and how to get it. */
export type Found<T> = { readonly found: T } | { readonly missing: string }

export interface ResourceOptions {
  /** Folder of MVTec AD. */
  readonly mvtec?: string | undefined
  /** Folder of ShanghaiTech Campus. */
  readonly stc?: string | undefined
  readonly ffmpeg?: string | undefined
  readonly signal?: AnyAbortSignal
  readonly onProgress?: OnProgress
}

export interface Identity {
  /** SHA-256 of the encoder's weight file. */
  readonly weights: string
  /** Of names and sizes of the image files; of the built-in images, their settings. */
  readonly images: string
}

export type Resources = ReturnType<typeof resources>

/** Images and weights on this machine; looked up once. */
export function resources(options: ResourceOptions) {
  const once = memory()
  const { mvtec, stc, signal, onProgress, ffmpeg } = options
  /** Classes of MVTec AD, scenes of ShanghaiTech Campus or built-in kinds that are there. */
  const roots = { mvtec, stc, synthetic: undefined }
  const available = (dataset: TrialData['set']): Promise<readonly string[]> =>
    once(`available ${dataset}`, async () => {
      const root = roots[dataset]
      return root === undefined && dataset !== 'synthetic'
        ? []
        : datasetCategories({ dataset, root })
    })
  const mvtecClass = (category: string) =>
    once(`mvtec ${category}`, () => openDataset({ dataset: 'mvtec', root: mvtec, category }))
  const images = async (data: TrialData): Promise<Found<string>> => {
    const there = (await available(data.set)).includes(data.category)
    if (!there) return { missing: missingData(data, options) }
    if (data.set === 'synthetic') return { found: JSON.stringify(data) }
    if (data.set === 'stc') return { found: await scenePrint(stc as string, data.category) }
    const { train, test } = await mvtecClass(data.category)
    return { found: await filePrint([...train, ...test]) }
  }
  return {
    available,
    /** What decides the result beside the trial itself: digests of images and weights. */
    async identify({ encoder, data }: Trial): Promise<Found<Identity>> {
      const spec = encoderSpec(encoder)
      const path = await findEncoderWeights(spec)
      const pictures = await once(`images ${JSON.stringify(data)}`, () => images(data))
      if ('missing' in pictures) return pictures
      if (path === undefined)
        return { missing: `needs weights of ${spec.name}: cflow encoders pull ${spec.name}` }
      const weights = await once(`digest ${spec.name}`, () => sha256OfFile(path))
      return { found: { weights, images: pictures.found } }
    },
    async dataset({ data, inputSize }: Trial): Promise<Dataset> {
      const { category } = data
      if (data.set === 'mvtec') return mvtecClass(category)
      if (data.set === 'synthetic') {
        const { train: trainImages, test: testImages } = data
        return openDataset({ dataset: 'synthetic', category, trainImages, testImages })
      }
      const { frameStep } = data
      return openDataset(
        { dataset: 'stc', root: stc, scene: category, frameStep, ffmpeg },
        {
          inputSize,
          cache: join(cacheFolder(), 'frames'),
          ...(signal && { signal }),
          onProgress: (done, total) => onProgress?.({ stage: 'decode', done, total }),
        },
      )
    },
    weights: (encoder: string) => loadEncoderWeights(encoder),
  }
}

function missingData({ set, category }: TrialData, { mvtec, stc }: ResourceOptions): string {
  if (set === 'synthetic') return `there are no built-in images called ${category}`
  if (set === 'mvtec')
    return mvtec === undefined
      ? 'needs MVTec AD: --mvtec DIR'
      : `needs ${category} of MVTec AD: it is not in ${mvtec}`
  return stc === undefined
    ? 'needs ShanghaiTech Campus: --stc DIR'
    : `needs scene ${category} of ShanghaiTech Campus: it is not in ${stc}`
}

/** Digest of names and sizes: cheap for gigabytes, and the same wherever the folder lies. */
async function filePrint(samples: readonly Sample[]): Promise<string> {
  const hash = createHash('sha256')
  const sizes = ordered(samples, async ({ id, path }) => `${id} ${path ? (await stat(path)).size : 0}\n`, 16) // prettier-ignore
  for await (const line of sizes) hash.update(line)
  return hash.digest('hex')
}

/** The same of a scene's clips: videos and masks with their sizes, frames by their number. */
async function scenePrint(root: string, scene: string): Promise<string> {
  const hash = createHash('sha256')
  for (const folder of [
    ['training', 'videos'],
    ['training', 'frames'],
    ['testing', 'frames'],
    ['testing', 'test_frame_mask'],
    ['testing', 'test_pixel_mask'],
  ]) {
    const own = join(root, ...folder)
    const names = await readdir(own).catch((): string[] => [])
    for (const name of names.filter((n) => n.startsWith(`${scene}_`)).sort()) {
      const path = join(own, name)
      const entry = await stat(path)
      const size = entry.isDirectory() ? (await readdir(path)).length : entry.size
      hash.update(`${folder.join('/')}/${name} ${size}\n`)
    }
  }
  return hash.digest('hex')
}

/** Answers that are worked out once. */
function memory(): <T>(key: string, work: () => Promise<T>) => Promise<T> {
  const known = new Map<string, Promise<unknown>>()
  return <T>(key: string, work: () => Promise<T>) => {
    const answer = known.get(key) ?? work()
    known.set(key, answer)
    return answer as Promise<T>
  }
}
