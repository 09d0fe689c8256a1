import { CflowError, messageOf, type RgbImage, type AnyAbortSignal } from '@cflow/base'
import { makeFolder } from '@cflow/base/node'
import { createHash, randomUUID } from 'node:crypto'
import { open, rename, rm, stat, statfs } from 'node:fs/promises'
import { basename, dirname, extname, join, resolve } from 'node:path'
import { resizeLanczos } from '../../resize.js'
import { fault, fileError, readPart } from '../files.js'
import { aviHeader, type FrameSize, videoFrames, type VideoOptions } from './video.js'

/** Resized frames of one video in one file: size·size·3 bytes of RGB a frame, nothing else. */
export interface FrameStore {
  readonly path: string
  readonly frames: number
  /** S: frames are size×size pixels. */
  readonly size: number
}

export interface FrameStoreOptions extends VideoOptions {
  /** Folder for the files of all videos. */
  readonly folder: string
  readonly size: number
  readonly step: number
  readonly signal?: AnyAbortSignal | undefined
}

/**
 * The stores of the videos of one scene. What is missing is decoded, after a look at the room there is.
 * @param onProgress frames decoded so far, and how many there will be as far as the videos' headers tell
 * @throws CflowError as `makeFrameStore`
 */
export async function frameStores(
  videos: readonly string[],
  options: FrameStoreOptions,
  onProgress?: (done: number, total: number) => void,
): Promise<ReadonlyMap<string, FrameStore>> {
  const stores = new Map<string, FrameStore>()
  const missing: string[] = []
  let first: FrameSize | undefined
  let total = 0
  for (const video of videos) {
    const header = await aviHeader(video)
    if (header) requireSameSize(video, (first ??= header), header)
    const store = await findFrameStore(video, options)
    if (store) stores.set(video, store)
    else {
      missing.push(video)
      total += Math.ceil((header?.frames ?? 0) / options.step)
    }
  }
  if (missing.length > 0) await requireSpace(options.folder, total * bytesPerFrame(options.size))
  let done = 0
  for (const video of missing) {
    const onFrame = (): void => onProgress?.(++done, Math.max(total, done))
    const { from, ...store } = await makeFrameStore(video, options, first, onFrame)
    first ??= from
    stores.set(video, store)
  }
  return stores
}

/**
 * The store of a video, where there is one already.
 * @throws CflowError NOT_FOUND for the video, IO
 */
export async function findFrameStore(
  video: string,
  options: FrameStoreOptions,
): Promise<FrameStore | undefined> {
  const path = await storePath(video, options)
  const found = await stat(path).catch(() => undefined)
  const frames = (found?.size ?? 0) / bytesPerFrame(options.size)
  return frames >= 1 && Number.isInteger(frames) ? { path, frames, size: options.size } : undefined
}

/**
 * Decode a video once and keep its resized frames. One frame is held at a time. The file is written under a temporary
 * name and renamed when complete; nothing is left after a failure or an abort.
 * @param expected size that the frames must have
 * @param onFrame called after every frame with the number of frames so far
 * @returns the store and the size of the video's frames
 * @throws CflowError NOT_FOUND without ffmpeg; IMAGE for a video that is damaged, cut off, or has another size; IO
 */
export async function makeFrameStore(
  video: string,
  options: FrameStoreOptions,
  expected?: FrameSize,
  onFrame?: (done: number) => void,
): Promise<FrameStore & { readonly from: FrameSize }> {
  const path = await storePath(video, options)
  const temporary = `${path}.${randomUUID()}.tmp`
  const { size, step, ffmpeg, signal } = options
  let from = expected
  let frames = 0
  try {
    await makeFolder(dirname(path))
    const file = await open(temporary, 'wx')
    try {
      for await (const frame of videoFrames(video, { step, ffmpeg })) {
        signal?.throwIfAborted()
        from ??= { width: frame.width, height: frame.height }
        requireSameSize(video, from, frame)
        await file.writeFile(resizeLanczos(frame, size, size).data)
        frames++
        onFrame?.(frames)
      }
    } finally {
      await file.close()
    }
    await rename(temporary, path)
    return { path, size, frames, from: from as FrameSize }
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => undefined)
    throw cause instanceof CflowError || signal?.aborted ? cause : storeError(path, cause)
  }
}

/** @throws CflowError IMAGE when a video of a scene has frames of another size than the first one */
function requireSameSize(video: string, first: FrameSize, { width, height }: FrameSize): void {
  if (width !== first.width || height !== first.height)
    throw fault(
      'IMAGE',
      video,
      `has ${width}×${height} pixels, other videos of its scene ${first.width}×${first.height}`,
      'One camera makes one scene: leave the video out, or scale it.',
    )
}

/** One frame of a store, read alone. */
export async function loadFrame({ path, size }: FrameStore, index: number): Promise<RgbImage> {
  const bytes = bytesPerFrame(size)
  const data = await readPart(path, index * bytes, bytes)
  if (data.length < bytes) throw fault('IMAGE', path, 'has become shorter while it was used')
  return { width: size, height: size, data }
}

const bytesPerFrame = (size: number): number => size * size * 3

/** The name holds all that decides the content: which file, as it was last changed, and how it is read. */
async function storePath(video: string, options: FrameStoreOptions): Promise<string> {
  const { folder, size, step } = options
  const { size: bytes, mtimeMs } = await stat(video).catch((cause: unknown) => {
    throw fileError(video, cause)
  })
  const identity = JSON.stringify([resolve(video), bytes, mtimeMs])
  const digest = createHash('sha256').update(identity).digest('hex').slice(0, 16)
  const clip = basename(video, extname(video))
  return join(folder, `${clip}-${digest}-${size}px-every${step}.rgb`)
}

/** Bytes that stay free. */
const reserve = 256 * 2 ** 20

const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(bytes < 1e9 ? 2 : 1)} GB`

/**
 * Require that a folder, made as needed, has room for so many bytes and some more.
 * @throws CflowError IO that says how much is needed, where, and how much is free
 */
export async function requireSpace(folder: string, bytes: number): Promise<void> {
  await makeFolder(folder)
  const { bavail, bsize } = await statfs(folder).catch((cause: unknown) => {
    throw fileError(folder, cause)
  })
  const free = bavail * bsize
  const hint =
    'Free some space, take fewer frames (--frame-step), or set CFLOW_HOME to a folder on another disk.'
  if (bytes + reserve > free)
    throw new CflowError(
      'IO',
      `the resized frames need ${gigabytes(bytes)} in ${folder}, and ${gigabytes(free)} are free`,
      { subject: folder, hint },
    )
}

function storeError(path: string, cause: unknown): CflowError {
  const full = (cause as NodeJS.ErrnoException).code === 'ENOSPC'
  const problem = full ? 'the disk is full' : messageOf(cause)
  return new CflowError('IO', `cannot write ${path}: ${problem}`, {
    subject: path,
    hint: 'Resized frames are kept in this folder: free some space, take fewer frames (--frame-step), or set CFLOW_HOME to another disk.',
    cause,
  })
}
