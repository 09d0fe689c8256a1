import { CflowError, messageOf } from '@cflow/base'
import type { RgbImage } from '@cflow/base'
import { createHash, randomUUID } from 'node:crypto'
import { mkdir, open, rename, rm, stat } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { basename, dirname, extname, join, resolve } from 'node:path'
import { resizeLanczos } from '../../resize-lanczos.js'
import { fileError } from '../files.js'
import { aviHeader } from './avi.js'
import { videoFrames } from './ffmpeg.js'

/** Resized frames of one video in one file: size·size·3 bytes of RGB a frame, nothing else. */
export interface FrameStore {
  readonly path: string
  readonly frames: number
  /** S: frames are size×size pixels. */
  readonly size: number
}

export interface FrameStoreOptions {
  /** Folder for the files of all videos. */
  readonly folder: string
  readonly size: number
  /** Every n-th frame. */
  readonly step: number
  readonly ffmpeg?: string | undefined
  readonly signal?: AbortSignal | undefined
  /** Called after every frame with the number of frames so far. */
  readonly onFrame?: ((done: number) => void) | undefined
}

/** Width and height of a video's frames in pixels. */
export interface FrameSize {
  readonly width: number
  readonly height: number
}

/**
 * The store of a video, where there is one already.
 * @throws CflowError NOT_FOUND for the video, IO
 */
export async function findFrameStore(
  video: string,
  options: Pick<FrameStoreOptions, 'folder' | 'size' | 'step'>,
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
 * @returns the store and the size of the video's frames
 * @throws CflowError NOT_FOUND without ffmpeg; IMAGE for a video that is damaged, cut off, or has another size; IO
 */
export async function makeFrameStore(
  video: string,
  options: FrameStoreOptions,
  expected?: FrameSize,
): Promise<FrameStore & { readonly from: FrameSize }> {
  const path = await storePath(video, options)
  const temporary = `${path}.${randomUUID()}.tmp`
  try {
    await mkdir(dirname(path), { recursive: true })
    const file = await open(temporary, 'wx')
    const written = await writeFrames(file, video, options, expected).finally(() => file.close())
    await rename(temporary, path)
    return { path, size: options.size, ...written }
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => undefined)
    throw cause instanceof CflowError || options.signal?.aborted ? cause : storeError(path, cause)
  }
}

async function writeFrames(
  file: FileHandle,
  video: string,
  { size, step, ffmpeg, signal, onFrame }: FrameStoreOptions,
  expected: FrameSize | undefined,
): Promise<{ readonly frames: number; readonly from: FrameSize }> {
  let from = expected
  let frames = 0
  const source = videoFrames(video, { step, ffmpeg })
  try {
    for (let next = await source.next(); ; next = await source.next()) {
      signal?.throwIfAborted()
      if (next.done) {
        await requireWhole(video, frames, step, next.value.complaint)
        break
      }
      const { width, height } = next.value
      from ??= { width, height }
      requireSameSize(video, from, { width, height })
      await file.writeFile(resizeLanczos(next.value, size, size).data)
      frames++
      onFrame?.(frames)
    }
  } finally {
    await source.return({ complaint: '' })
  }
  return { frames, from: from as FrameSize }
}

/** A video that ffmpeg complained of, and that has fewer frames than its header says, is cut off. */
async function requireWhole(
  video: string,
  frames: number,
  step: number,
  complaint: string,
): Promise<void> {
  if (complaint === '') return
  const promised = Math.ceil(((await aviHeader(video))?.frames ?? 0) / step)
  if (frames < promised)
    throw new CflowError(
      'IMAGE',
      `${video} is damaged or cut off after ${frames * step} of ${promised * step} frames: ${complaint}`,
      { subject: video, hint: 'Copy the file again, or leave it out.' },
    )
}

/** @throws CflowError IMAGE when a video of a scene has frames of another size than the first one */
export function requireSameSize(
  video: string,
  first: FrameSize,
  { width, height }: FrameSize,
): void {
  if (width !== first.width || height !== first.height)
    throw new CflowError(
      'IMAGE',
      `${video} has ${width}×${height} pixels, other videos of its scene ${first.width}×${first.height}`,
      { subject: video, hint: 'One camera makes one scene: leave the video out, or scale it.' },
    )
}

/** One frame of a store, read alone. */
export async function loadFrame(store: FrameStore, index: number): Promise<RgbImage> {
  const { path, size } = store
  const data = new Uint8Array(bytesPerFrame(size))
  let read = 0
  try {
    const file = await open(path, 'r')
    const { bytesRead } = await file
      .read(data, 0, data.length, index * data.length)
      .finally(() => file.close())
    read = bytesRead
  } catch (cause) {
    throw fileError(path, cause)
  }
  if (read < data.length)
    throw new CflowError('IMAGE', `${path} has become shorter while it was used`, { subject: path })
  return { width: size, height: size, data }
}

export const bytesPerFrame = (size: number): number => size * size * 3

/** The name holds all that decides the content: which file, as it was last changed, and how it is read. */
async function storePath(
  video: string,
  { folder, size, step }: Pick<FrameStoreOptions, 'folder' | 'size' | 'step'>,
): Promise<string> {
  const { size: bytes, mtimeMs } = await stat(video).catch((cause: unknown) => {
    throw fileError(video, cause)
  })
  const identity = JSON.stringify([resolve(video), bytes, mtimeMs])
  const digest = createHash('sha256').update(identity).digest('hex').slice(0, 16)
  const clip = basename(video, extname(video))
  return join(folder, `${clip}-${digest}-${size}px-every${step}.rgb`)
}

function storeError(path: string, cause: unknown): CflowError {
  const full = (cause as NodeJS.ErrnoException).code === 'ENOSPC'
  return new CflowError(
    'IO',
    `cannot write ${path}: ${full ? 'the disk is full' : messageOf(cause)}`,
    {
      subject: path,
      hint: 'Resized frames are kept in this folder: free some space, take fewer frames (--frame-step), or set CFLOW_HOME to another disk.',
      cause,
    },
  )
}
