import { CflowError } from '@cflow/base'
import type { RgbImage } from '@cflow/base'
import { spawn } from 'node:child_process'
import type { ChildProcessByStdio } from 'node:child_process'
import type { Readable } from 'node:stream'
import { resolve } from 'node:path'
import { maxPixels } from '../decode.js'
import { ppmImages } from './ppm.js'

/** Bytes of error output that are kept. */
const maxErrorText = 4096

export interface VideoOptions {
  /** Every n-th frame, beginning with the first; default 1. */
  readonly step?: number
  /** The ffmpeg program; default that of the environment variable FFMPEG, else `ffmpeg` on the path. */
  readonly ffmpeg?: string | undefined
}

/** How the reading of a video ended. */
export interface VideoEnd {
  /** The first line of what ffmpeg complained of while it went on; empty where it did not. */
  readonly complaint: string
}

/**
 * The frames of a video in order, decoded by the program ffmpeg as they are taken: it waits while nobody takes one, so
 * that one frame and a pipe's buffer are all that is held. Ending the iteration early ends the program.
 * @returns at the end, what ffmpeg complained of
 * @throws CflowError NOT_FOUND where the program is not installed, IMAGE for what is no video
 */
export async function* videoFrames(
  path: string,
  { step = 1, ffmpeg }: VideoOptions = {},
): AsyncGenerator<RgbImage, VideoEnd> {
  const program = ffmpeg ?? (process.env['FFMPEG'] || 'ffmpeg')
  const child = spawn(program, ffmpegArguments(path, step), { stdio: ['ignore', 'pipe', 'pipe'] })
  const ended = endOf(child)
  ended.catch(() => undefined) // awaited below
  let text = ''
  child.stderr.setEncoding('utf8').on('data', (part: string) => {
    if (text.length < maxErrorText) text += part
  })
  try {
    let frames = 0
    for await (const frame of ppmImages(child.stdout, maxPixels)) {
      frames++
      yield frame
    }
    const code = await ended.catch((cause: unknown) => {
      throw notRun(program, cause)
    })
    const complaint = text.trim().split('\n')[0] ?? ''
    if (code !== 0 || frames === 0)
      throw new CflowError('IMAGE', `${path} is no video that can be read: ${complaint}`, {
        subject: path,
        hint: 'Copy the file again, or put its frames into training/frames/<clip>/.',
      })
    return { complaint }
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

function endOf(child: ChildProcessByStdio<null, Readable, Readable>): Promise<number | null> {
  return new Promise((end, fail) => {
    child.on('error', fail)
    child.on('close', end)
  })
}

function notRun(program: string, cause: unknown): CflowError {
  const missing = (cause as NodeJS.ErrnoException).code === 'ENOENT'
  return new CflowError(
    'NOT_FOUND',
    missing
      ? `videos are decoded by the program ffmpeg, and there is no ${program}`
      : `the program ${program} cannot be run: ${(cause as Error).message}`,
    {
      subject: program,
      hint:
        'Install the package ffmpeg (apt-get install ffmpeg, brew install ffmpeg, winget install ffmpeg), give its ' +
        'path with --ffmpeg or FFMPEG, or put the frames into training/frames/<clip>/.',
      cause,
    },
  )
}
