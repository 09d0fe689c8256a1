import { CflowError, messageOf, type RgbImage } from '@cflow/base'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import { fault, readPart } from '../files.js'
import { maxPixels } from '../images.js'

/** Bytes of error output that are kept. */
const maxErrorText = 4096
/** No header of an image is longer than this. */
const maxHeader = 64

/** Width and height of a video's frames in pixels. */
export interface FrameSize {
  readonly width: number
  readonly height: number
}

/**
 * What the main header of an AVI file says of it (RIFF `AVI `, list `hdrl`, chunk `avih`). It is a promise only: the
 * video stream may hold something else.
 * @returns undefined for a file that does not begin like an AVI
 * @throws CflowError NOT_FOUND, IO
 */
export async function aviHeader(
  path: string,
): Promise<(FrameSize & { readonly frames: number }) | undefined> {
  const bytes = Buffer.alloc(88)
  bytes.set(await readPart(path, 0, bytes.length))
  const tag = (at: number): string => bytes.toString('latin1', at, at + 4)
  if (tag(0) !== 'RIFF' || tag(8) !== 'AVI ' || tag(20) !== 'hdrl' || tag(24) !== 'avih') return
  const [frames, width, height] = [48, 64, 68].map((at) => bytes.readUInt32LE(at))
  if (!frames || !width || !height) return
  return { frames, width, height }
}

export interface VideoOptions {
  /** Every n-th frame, beginning with the first; default 1. */
  readonly step?: number
  /** The ffmpeg program; default that of the environment variable FFMPEG, else `ffmpeg` on the path. */
  readonly ffmpeg?: string | undefined
}

/**
 * The frames of a video in order, decoded by the program ffmpeg as they are taken: it waits while nobody takes one, so
 * that one frame and a pipe's buffer are all that is held. Ending the iteration early ends the program.
 * @throws CflowError NOT_FOUND where the program is not installed, IMAGE for what is no video, or is cut off
 */
export async function* videoFrames(
  path: string,
  { step = 1, ffmpeg }: VideoOptions = {},
): AsyncGenerator<RgbImage, void> {
  const program = ffmpeg ?? (process.env['FFMPEG'] || 'ffmpeg')
  const child = spawn(program, ffmpegArguments(path, step), { stdio: ['ignore', 'pipe', 'pipe'] })
  const ended = once(child, 'close')
  ended.catch(() => undefined) // awaited below
  let text = ''
  child.stderr.setEncoding('utf8').on('data', (part: string) => {
    if (text.length < maxErrorText) text += part
  })
  try {
    let frames = 0
    for await (const frame of ppmImages(child.stdout)) {
      frames++
      yield frame
    }
    const [code] = (await ended.catch((cause: unknown) => {
      throw notRun(program, cause)
    })) as [number | null]
    const complaint = text.trim().split('\n')[0] ?? ''
    if (code !== 0 || frames === 0)
      throw fault(
        'IMAGE',
        path,
        `is no video that can be read: ${complaint}`,
        'Copy the file again, or put its frames into training/frames/<clip>/.',
      )
    const promised = Math.ceil(((await aviHeader(path))?.frames ?? 0) / step)
    if (complaint !== '' && frames < promised)
      throw fault(
        'IMAGE',
        path,
        `is damaged or cut off after ${frames * step} of ${promised * step} frames: ${complaint}`,
        'Copy the file again, or leave it out.',
      )
  } finally {
    if (child.exitCode === null) child.kill('SIGKILL')
  }
}

/** Frames are numbered anew after the selection, so that none is dropped or doubled to keep time. */
function ffmpegArguments(path: string, step: number): string[] {
  return [
    ...['-nostdin', '-v', 'error', '-protocol_whitelist', 'file,pipe', '-i'],
    `file:${resolve(path)}`,
    ...['-map', '0:v:0', '-vf', `select=not(mod(n\\,${step})),settb=1/25,setpts=N`, '-r', '25'],
    ...['-f', 'image2pipe', '-c:v', 'ppm', '-pix_fmt', 'rgb24', 'pipe:1'],
  ]
}

function notRun(program: string, cause: unknown): CflowError {
  const missing = (cause as NodeJS.ErrnoException).code === 'ENOENT'
  const message = missing
    ? `videos are decoded by the program ffmpeg, and there is no ${program}`
    : `the program ${program} cannot be run: ${messageOf(cause)}`
  const hint =
    'Install the package ffmpeg (apt-get install ffmpeg, brew install ffmpeg, winget install ffmpeg), give its ' +
    'path with --ffmpeg or FFMPEG, or put the frames into training/frames/<clip>/.'
  return new CflowError('NOT_FOUND', message, { subject: program, hint, cause })
}

/**
 * Images of a stream of binary PPM files (`P6`, 8 bits), one after the other. One image is held at a time.
 * @throws CflowError IMAGE for another format, an image over 100 million pixels, or a stream that ends inside one
 */
async function* ppmImages(stream: AsyncIterable<Uint8Array>): AsyncGenerator<RgbImage> {
  let header = ''
  let image: RgbImage | undefined
  let filled = 0
  for await (const chunk of stream) {
    let at = 0
    while (at < chunk.length) {
      if (!image) {
        header += String.fromCharCode(chunk[at++] as number)
        image = imageOf(header)
        filled = 0
        continue
      }
      const part = chunk.subarray(at, at + image.data.length - filled)
      image.data.set(part, filled)
      filled += part.length
      at += part.length
      if (filled < image.data.length) continue
      yield image
      image = undefined
      header = ''
    }
  }
  if (image || header !== '') throw foreign('it ends inside an image')
}

/** The image that a complete header announces; undefined while it is incomplete. */
function imageOf(header: string): RgbImage | undefined {
  if (header.length > maxHeader) throw foreign('a header is too long')
  const found = /^P6\s+(\d+)\s+(\d+)\s+(\d+)\s$/.exec(header)
  if (!found) return undefined
  const [width, height, max] = found.slice(1).map(Number) as [number, number, number]
  if (max !== 255 || width * height === 0 || width * height > maxPixels)
    throw foreign(`${width}×${height} pixels to ${max} are not supported`)
  return { width, height, data: new Uint8Array(width * height * 3) }
}

function foreign(why: string): CflowError {
  return new CflowError('IMAGE', `the stream of PPM images cannot be used: ${why}`)
}
