import { temporaryFolder } from '@cflow/base/testing'
import { existsSync } from 'node:fs'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { npyBytes } from '../../../test/npy.js'
import { hasFfmpeg, writeVideo } from '../../../test/video.js'
import type { OpenContext } from '../../driver.js'
import { openDataset } from '../drivers.js'
import { writePng } from '../images.js'
import { requireSpace } from './frame-store.js'
import { stc } from './stc.js'

const base = await temporaryFolder('stc')
let root = ''
let count = 0
beforeEach(async () => {
  root = join(base, `set${count++}`)
  await mkdir(root)
})

/** A scene to train on, every frame unless said otherwise. */
const opened = (
  root: string,
  { scene, frameStep = 1 }: { readonly scene: string | number; readonly frameStep?: number },
  context: OpenContext = {},
) => openDataset({ dataset: 'stc', root, scene, frameStep }, { inputSize: 32, ...context })
/** A scene to test on. */
const tested = (root: string, scene: string) => openDataset({ dataset: 'stc', root, scene })

const [width, height] = [8, 6]
const frame = (value: number) => ({
  width,
  height,
  data: new Uint8Array(width * height * 3).fill(value),
})

async function putFrames(folder: string, numbers: readonly (number | string)[]): Promise<void> {
  for (const [i, n] of numbers.entries()) await writePng(join(root, folder, `${n}.png`), frame(i))
}

async function putMask(path: string, shape: readonly number[], values: ArrayLike<number>) {
  const to = join(root, 'testing', path)
  await mkdir(dirname(to), { recursive: true })
  await writeFile(to, npyBytes(shape, values))
}

/** A test clip of 4 frames, of which the second and third are anomalous, with a mask for the third and fourth. */
async function putClip(name: string): Promise<void> {
  await putFrames(`testing/frames/${name}`, ['000', '001', '002', '003'])
  await putMask(`test_frame_mask/${name}.npy`, [4], [0, 1, 1, 0])
  const area = width * height
  const masks = Uint8Array.from({ length: 4 * area }, (_, i) =>
    Number(i >= 2 * area && i % 7 === 0),
  )
  await putMask(`test_pixel_mask/${name}.npy`, [4, height, width], masks)
}

const failure = (code: string, message: RegExp, hint = /./): unknown =>
  expect.objectContaining({
    code,
    message: expect.stringMatching(message),
    hint: expect.stringMatching(hint),
  })

describe('stc', () => {
  it('labels frames by their mask, and counts pixel masks of anomalous frames only', async () => {
    await putFrames('training/frames/01_001', ['000', '001'])
    await putClip('01_0014')
    await putClip('02_0001')
    const { name, category, train, test } = await opened(root, { scene: '01' })
    expect([name, category, train.length]).toEqual(['stc', 'stc-01', 2])
    expect(test.map((s) => `${s.id} ${s.label} ${s.defect} ${s.loadMask ? 'mask' : ''}`)).toEqual([
      'testing/frames/01_0014/000.png good good ',
      'testing/frames/01_0014/001.png anomalous anomaly mask',
      'testing/frames/01_0014/002.png anomalous anomaly mask',
      'testing/frames/01_0014/003.png good good ',
    ])
    const masks = [await test[1]!.loadMask!(), await test[2]!.loadMask!()]
    expect(masks[0]).toEqual({ width, height, data: new Uint8Array(width * height) })
    const area = width * height
    expect([...masks[1]!.data]).toEqual(
      Array.from({ length: area }, (_, i) => Number((2 * area + i) % 7 === 0)),
    )
  })

  it('takes frames by their number, not by their letters, and every n-th to train on', async () => {
    await putFrames('training/frames/01_001', [998, 999, 1000, 1001, '0997'])
    const all = await opened(root, { scene: '01' })
    const names = (set: typeof all) => set.train.map((s) => s.id.split('/').at(-1))
    expect(names(all)).toEqual(['0997.png', '998.png', '999.png', '1000.png', '1001.png'])
    const some = await opened(root, { scene: '01', frameStep: 2 })
    expect(names(some)).toEqual(['0997.png', '999.png', '1001.png'])
    expect(all.test).toEqual([])
  })

  it('goes without pixel masks where there are none, and without training clips when asked', async () => {
    await putClip('01_0014')
    await rm(join(root, 'testing/test_pixel_mask'), { recursive: true })
    const set = await tested(root, '01')
    expect([set.train.length, set.test.length]).toEqual([0, 4])
    expect(set.test.some((s) => s.loadMask)).toBe(false)
  })

  it('refuses masks that do not fit their clip, and a clip without them', async () => {
    await putFrames('training/frames/01_001', ['000'])
    await putClip('01_0014')
    const open = () => opened(root, { scene: '01' })
    await putMask('test_pixel_mask/01_0014.npy', [4, 3, width], new Uint8Array(4 * 3 * width))
    const { test } = await open()
    await expect(test[1]!.loadMask!()).rejects.toEqual(
      expect.objectContaining({
        code: 'MASK',
        message: expect.stringMatching(/mask has 8×3 .* 8×6/) as string,
      }),
    )
    await putMask('test_pixel_mask/01_0014.npy', [3, height, width], new Uint8Array(3 * 48))
    await expect(open()).rejects.toEqual(failure('MASK', /for 3 frames and the clip has 4/))
    await rm(join(root, 'testing/test_pixel_mask/01_0014.npy'))
    await expect(open()).rejects.toEqual(failure('NOT_FOUND', /no pixel mask .*01_0014\.npy/))
    await putMask('test_frame_mask/01_0014.npy', [5], [0, 0, 0, 0, 0])
    await expect(open()).rejects.toEqual(failure('MASK', /for 5 frames and the clip has 4/))
    await rm(join(root, 'testing/test_frame_mask/01_0014.npy'))
    await expect(open()).rejects.toEqual(failure('NOT_FOUND', /no .*test_frame_mask.*01_0014\.npy/))
  })

  it('says which scenes there are', async () => {
    await putFrames('training/frames/02_001', ['000'])
    await putFrames('training/frames/13_001', ['000'])
    await putFrames('training/frames/notes', ['000'])
    await putClip('02_0001')
    expect(await stc.categories({ root })).toEqual(['02'])
    await expect(openDataset({ dataset: 'stc', root })).rejects.toMatchObject({
      ...{ code: 'USAGE', subject: '--scene' },
      hint: expect.stringMatching(/: 02, 13\.$/) as string,
    })
    await expect(opened(root, { scene: '01' })).rejects.toEqual(
      failure('NOT_FOUND', /no training clip of scene 01/, /Scenes there: 02, 13/),
    )
    await expect(tested(root, '13')).rejects.toEqual(
      failure('NOT_FOUND', /no test clip of scene 13/, /Scenes there: 02\./),
    )
    await expect(opened(join(root, 'no'), { scene: '01' })).rejects.toEqual(
      failure('NOT_FOUND', /there is no .*no/),
    )
    for (const wrong of [{ scene: '101' }, { scene: '01', frameStep: 0 }])
      await expect(opened(root, wrong)).rejects.toMatchObject({ code: 'USAGE' })
  })

  it('says how much room is missing', async () => {
    await expect(requireSpace(join(root, 'frames'), 1e18)).rejects.toEqual(
      failure('IO', /need 1000000000\.0 GB in .*frames, and .* are free/, /CFLOW_HOME/),
    )
  })
})

describe.skipIf(!hasFfmpeg)('stc from videos', () => {
  it('decodes each once, prefers extracted frames, and needs no ffmpeg the next time', async () => {
    await mkdir(join(root, 'training', 'videos'), { recursive: true })
    for (const clip of ['01_001', '01_002', '02_001'])
      writeVideo(join(root, 'training', 'videos', `${clip}.avi`), { frames: 7, size: '64x48' })
    await putFrames('training/frames/01_002', ['000', '001', '002', '003'])
    const folder = join(root, 'kept')
    const progress: string[] = []
    const settings = { scene: '01', frameStep: 3 }
    const set = await opened(root, settings, {
      cache: folder,
      onProgress: (done, total) => progress.push(`${done}/${total}`),
    })
    expect(progress).toEqual(['1/3', '2/3', '3/3'])
    expect(set.train.map((s) => s.id)).toEqual([
      'training/videos/01_001/000000',
      'training/videos/01_001/000003',
      'training/videos/01_001/000006',
      'training/frames/01_002/000.png',
      'training/frames/01_002/003.png',
    ])
    expect(await set.train[2]!.load()).toMatchObject({ width: 32, height: 32 })
    const without = (scene: string) =>
      stc.open(
        { root, scene, frameStep: 3, ffmpeg: join(root, 'no-such-program') },
        { inputSize: 32, cache: folder },
      )
    const again = await without('01')
    expect(
      Buffer.compare((await again.train[1]!.load()).data, (await set.train[1]!.load()).data),
    ).toBe(0)
    await expect(without('02')).rejects.toEqual(
      failure('NOT_FOUND', /no-such-program/, /Install the package ffmpeg/),
    )
    await expect(opened(root, { scene: '02' })).rejects.toMatchObject({ code: 'USAGE' })
  })

  it('refuses videos of different sizes in one scene before it decodes any', async () => {
    await mkdir(join(root, 'training', 'videos'), { recursive: true })
    writeVideo(join(root, 'training/videos/01_001.avi'), { frames: 3, size: '64x48' })
    writeVideo(join(root, 'training/videos/01_002.avi'), { frames: 3, size: '48x48' })
    const folder = join(root, 'kept')
    await expect(opened(root, { scene: '01' }, { cache: folder })).rejects.toEqual(
      failure('IMAGE', /01_002\.avi has 48×48 pixels, .* 64×48/),
    )
    expect(existsSync(folder)).toBe(false)
  })
})
