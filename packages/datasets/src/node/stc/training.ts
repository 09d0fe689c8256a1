import type { Sample } from '../../dataset.js'
import { fileSample } from '../file-sample.js'
import { aviHeader } from './avi.js'
import {
  bytesPerFrame,
  findFrameStore,
  loadFrame,
  makeFrameStore,
  requireSameSize,
} from './frame-store.js'
import type { FrameSize, FrameStore } from './frame-store.js'
import { frameNames } from './layout.js'
import type { Clip } from './layout.js'
import { requireSpace } from './space.js'

export interface TrainingOptions {
  readonly folder: string
  readonly size: number
  readonly step: number
  readonly ffmpeg?: string | undefined
  readonly signal?: AbortSignal | undefined
  /** Frames decoded so far, and how many there will be as far as the videos' headers tell. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined
}

/** Every n-th frame of the clips of one scene, videos decoded as needed. */
export async function trainingSamples(
  root: string,
  clips: readonly Clip[],
  options: TrainingOptions,
): Promise<Sample[]> {
  const stores = await frameStores(clips, options)
  const samples: Sample[] = []
  for (const clip of clips) {
    const store = stores.get(clip.name)
    if (store) samples.push(...storedSamples(clip, store, options.step))
    else samples.push(...(await imageSamples(root, clip, options.step)))
  }
  return samples
}

function storedSamples(clip: Clip, store: FrameStore, step: number): Sample[] {
  return Array.from({ length: store.frames }, (_, i) => ({
    id: `training/videos/${clip.name}/${String(i * step).padStart(6, '0')}`,
    split: 'train' as const,
    label: 'good' as const,
    defect: 'good',
    sequence: clip.name,
    load: () => loadFrame(store, i),
  }))
}

async function imageSamples(root: string, clip: Clip, step: number): Promise<Sample[]> {
  const names = await frameNames(clip.frames as string)
  return names
    .filter((_, i) => i % step === 0)
    .map((name) => {
      const id = `training/frames/${clip.name}/${name}`
      const sample = fileSample({ root, id, split: 'train', defect: 'good' })
      return { ...sample, sequence: clip.name }
    })
}

/** The stores of all clips that are videos; what is missing is decoded, after a look at the room there is. */
async function frameStores(
  clips: readonly Clip[],
  options: TrainingOptions,
): Promise<ReadonlyMap<string, FrameStore>> {
  const stores = new Map<string, FrameStore>()
  const missing: (readonly [name: string, video: string])[] = []
  let first: FrameSize | undefined
  let total = 0
  for (const { name, video } of clips) {
    if (video === undefined) continue
    const header = await aviHeader(video)
    if (header) requireSameSize(video, (first ??= header), header)
    const store = await findFrameStore(video, options)
    if (store) stores.set(name, store)
    else {
      missing.push([name, video])
      total += Math.ceil((header?.frames ?? 0) / options.step)
    }
  }
  if (missing.length === 0) return stores
  await requireSpace(options.folder, total * bytesPerFrame(options.size))
  let done = 0
  for (const [name, video] of missing) {
    const onFrame = (): void => options.onProgress?.(++done, Math.max(total, done))
    const { from, ...store } = await makeFrameStore(video, { ...options, onFrame }, first)
    first ??= from
    stores.set(name, store)
  }
  return stores
}
