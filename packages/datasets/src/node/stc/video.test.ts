import type { RgbImage } from '@cflow/base'
import { temporaryFolder } from '@cflow/base/testing'
import { existsSync } from 'node:fs'
import { chmod, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { hasFfmpeg, writeVideo } from '../../../test/video.js'
import { resizeLanczos } from '../../resize.js'
import { findFrameStore, loadFrame, makeFrameStore } from './frame-store.js'
import { aviHeader, videoFrames } from './video.js'

const dir = await temporaryFolder('video')

const all = async (path: string, step = 1): Promise<RgbImage[]> => {
  const images: RgbImage[] = []
  for await (const image of videoFrames(path, { step })) images.push(image)
  return images
}

it('says which package to install where there is no ffmpeg', async () => {
  const path = join(dir, 'any.avi')
  await writeFile(path, 'x')
  const ffmpeg = join(dir, 'no-such-program')
  await expect(videoFrames(path, { ffmpeg }).next()).rejects.toMatchObject({
    code: 'NOT_FOUND',
    subject: ffmpeg,
    hint: expect.stringMatching(/apt-get install ffmpeg.*FFMPEG.*training\/frames/) as string,
  })
})

describe.skipIf(!hasFfmpeg)('videos', () => {
  const path = join(dir, '01_001.avi')
  const folder = join(dir, 'store')
  const options = { folder, size: 32, step: 3 }
  const stored = async () => (existsSync(folder) ? readdir(folder) : [])
  beforeAll(() => writeVideo(path, { frames: 20, size: '64x48' }))

  it('give every frame, or every n-th, in order', async () => {
    const images = await all(path)
    expect(images.map(({ width, height }) => [width, height])).toEqual(new Array(20).fill([64, 48]))
    expect(await aviHeader(path)).toEqual({ frames: 20, width: 64, height: 48 })
    const third = await all(path, 3)
    expect(third.length).toBe(7)
    for (const [i, { data }] of third.entries())
      expect(Buffer.compare(data, images[3 * i]!.data)).toBe(0)
  })

  it.skipIf(process.platform === 'win32')(
    'are decoded no faster than their frames are taken',
    async () => {
      const long = join(dir, 'long.avi')
      writeVideo(long, { frames: 400, size: '320x240' })
      // ffmpeg through a pipe that counts: what has passed it grows only while frames are taken
      const [counted, counting] = [join(dir, 'counted'), join(dir, 'counting.sh')]
      await writeFile(counting, `#!/bin/sh\nffmpeg "$@" | tee ${counted}\n`)
      await chmod(counting, 0o755)
      const frameBytes = 320 * 240 * 3
      const frames = videoFrames(long, { ffmpeg: counting })
      for (let i = 0; i < 3; i++) expect((await frames.next()).done).toBe(false)
      await new Promise((resolve) => setTimeout(resolve, 400))
      const { size } = await stat(counted)
      expect(size).toBeGreaterThan(3 * frameBytes)
      expect(size).toBeLessThan(10 * frameBytes)
      await frames.return()
    },
  )

  it.skipIf(process.platform === 'win32')('end their program when nobody wants more', async () => {
    const [pid, noting] = [join(dir, 'pid'), join(dir, 'noting.sh')]
    await writeFile(noting, `#!/bin/sh\necho $$ > ${pid}\nexec ffmpeg "$@"\n`)
    await chmod(noting, 0o755)
    const long = join(dir, 'longer.avi')
    writeVideo(long, { frames: 200, size: '320x240' })
    for await (const image of videoFrames(long, { ffmpeg: noting })) {
      expect(image.width).toBe(320)
      break
    }
    const program = Number(await readFile(pid, 'utf8'))
    const ended = async (): Promise<boolean> => {
      for (let i = 0; i < 100; i++) {
        try {
          process.kill(program, 0)
        } catch {
          return true
        }
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
      return false
    }
    expect(await ended()).toBe(true)
  })

  it('are decoded once; then their resized frames are read one by one, in any order', async () => {
    expect(await findFrameStore(path, options)).toBeUndefined()
    let max = 0
    const made = await makeFrameStore(path, options, undefined, (n) => (max = n))
    expect([made.frames, made.from, max]).toEqual([7, { width: 64, height: 48 }, 7])
    const store = await findFrameStore(path, options)
    expect(store).toMatchObject({ path: made.path, frames: 7 })
    const images = await all(path, 3)
    for (const i of [6, 0, 3]) {
      const frame = await loadFrame(store!, i)
      expect(Buffer.compare(frame.data, resizeLanczos(images[i]!, 32, 32).data)).toBe(0)
    }
    // nobody has to watch
    expect((await makeFrameStore(path, options)).frames).toBe(7)
    // another step, another size and a changed video are other stores
    expect(await findFrameStore(path, { ...options, step: 2 })).toBeUndefined()
    expect(await findFrameStore(path, { ...options, size: 64 })).toBeUndefined()
    await utimes(path, new Date(), new Date(1e12))
    expect(await findFrameStore(path, options)).toBeUndefined()
  })

  it('leave nothing behind when they are cut off, of another size, no video, or aborted', async () => {
    await rm(folder, { recursive: true, force: true })
    const bytes = await readFile(path)
    const refused = async (name: string, content: Uint8Array | string, message: RegExp) => {
      const broken = join(dir, name)
      await writeFile(broken, content)
      await expect(makeFrameStore(broken, options)).rejects.toMatchObject({
        code: 'IMAGE',
        subject: broken,
        message: expect.stringMatching(message) as string,
      })
    }
    await refused(
      'cut.avi',
      bytes.subarray(0, bytes.length * 0.6),
      /cut off after \d+ of 21 frames/,
    )
    await refused('text.avi', 'no video', /no video that can be read/)
    const other = makeFrameStore(path, options, { width: 856, height: 480 })
    await expect(other).rejects.toThrow(/01_001\.avi has 64×48 pixels, .* scene 856×480/)
    const controller = new AbortController()
    const { signal } = controller
    const aborted = makeFrameStore(path, { ...options, signal }, undefined, () =>
      controller.abort(new Error('stop')),
    )
    await expect(aborted).rejects.toThrow('stop')
    expect(await stored()).toEqual([])
  })
})
