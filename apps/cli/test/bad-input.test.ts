import { temporaryFolder } from '@cflow/base/testing'
import { writeMaskPng } from '@cflow/datasets/node'
import { access, mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { cflow, json, tiny, tinySet } from './cflow.js'
import { writeGood, writeMvtec, writeTruncated } from './photos.js'

const dir = await temporaryFolder('cli')
const at = (...parts: string[]) => join(dir, ...parts)

beforeAll(async () => {
  await writeMvtec(at('mvtec'))
  await writeGood(at('good'))
})

/** Run, and expect a clear error: exit code, text, the thing at fault, a way out, and nothing left behind. */
async function fails(
  args: readonly string[],
  code: number,
  message: RegExp,
  { subject, hint }: { readonly subject?: string; readonly hint?: RegExp } = {},
): Promise<void> {
  const out = at('nothing')
  const result = await cflow([...args, ...(args.includes('--out') ? [] : ['--out', out])])
  expect(result.err).toMatch(message)
  expect(result.err).toMatch(/^error: /)
  expect(result.err).not.toMatch(/\n\s+at .*\.(ts|js):\d+/)
  if (subject !== undefined) expect(result.err).toContain(`  at: ${subject}\n`)
  if (hint) expect(result.err).toMatch(new RegExp(`^  hint: .*${hint.source}`, 'm'))
  expect(result.code).toBe(code)
  expect(result.out).toBe('')
  await expect(access(out)).rejects.toThrow('ENOENT')
}

const set = () => tinySet(at('mvtec'))
const mvtec = () => ['train', '--dataset', 'mvtec', '--root', at('mvtec'), ...tiny]

describe('images', { timeout: 60_000 }, () => {
  it('a folder that is missing', () =>
    fails(['train', '--root', at('gone'), ...tiny], 2, /there is no .*gone/, {
      subject: at('gone'),
      hint: /Check the path/,
    }))

  it('a folder that is a file', () =>
    fails(['train', '--root', at('good', '0.png')], 2, /is a file, not a folder/))

  it('a folder without images', async () => {
    await mkdir(at('empty'))
    await fails(['train', '--root', at('empty')], 2, /no images in/, { subject: at('empty') })
    await fails(['predict', 'model.onnx', at('empty')], 2, /no images in/)
  })

  it('two images only', async () => {
    await writeGood(at('two'), 2)
    await fails(['train', '--root', at('two'), ...tiny], 2, /2 good images to train on, \d+ are/, {
      hint: /30 to 300/,
    })
  })

  it('an image to learn from that is cut off', async () => {
    await writeGood(at('cut'))
    await writeTruncated(at('cut', '5.png'))
    const subject = at('cut', '5.png')
    await fails(['train', '--root', at('cut'), ...tiny], 2, /damaged or cut off/, { subject })
  })

  it('an image to learn from that is none', async () => {
    await writeGood(at('text'))
    await writeFile(at('text', '9.png'), 'hello')
    await fails(['train', '--root', at('text'), ...tiny], 2, /not an image that can be read/)
  })

  it('a category that does not exist, or is not given', async () => {
    await fails([...mvtec(), '--category', 'cat'], 2, /no category 'cat'/, { hint: /part/ })
    await fails(mvtec(), 2, /needs --category/, { hint: /Categories in .*: part\./ })
    const kind = ['train', '--dataset', 'synthetic', '--category', 'cat']
    await fails(kind, 2, /no synthetic category 'cat'/, { hint: /mesh, cable, part/ })
  })

  it('a mask without its image', async () => {
    await writeMvtec(at('stray'))
    const [defect] = (await readdir(at('stray', 'part', 'ground_truth'))).sort()
    const mask = at('stray', 'part', 'ground_truth', defect!, '777_mask.png')
    await writeMaskPng(mask, { width: 64, height: 64, data: new Uint8Array(64 * 64) })
    const args = ['train', '--dataset', 'mvtec', '--root', at('stray'), '--category', 'part']
    await fails([...args, ...tiny], 2, /no image for the mask/, { subject: mask })
  })

  it('a mask of another size', async () => {
    await writeMvtec(at('sizes'))
    const [defect] = (await readdir(at('sizes', 'part', 'ground_truth'))).sort()
    const mask = at('sizes', 'part', 'ground_truth', defect!, '000_mask.png')
    await writeMaskPng(mask, { width: 32, height: 64, data: new Uint8Array(32 * 64) })
    const args = ['train', '--dataset', 'mvtec', '--root', at('sizes'), '--category', 'part']
    const out = at('sizes-run')
    const result = await cflow([...args, ...tiny, '--passes', '1', '--out', out])
    expect(result.code).toBe(2)
    expect(result.err).toMatch(/the mask has 32×64 pixels and its image .* 64×64/)
    // the training itself was good: its checkpoint is kept, and nothing else is written
    expect(await readdir(out)).toEqual(['checkpoint'])
  })

  it('no images at all', () => fails(['train'], 2, /--dataset or --root is missing/))
})

describe('files', { timeout: 60_000 }, () => {
  const image = () => at('good', '0.png')

  it('a model file that is missing, not ONNX, or a folder', async () => {
    await fails(['predict', at('gone.onnx'), image()], 2, /there is no .*gone\.onnx/)
    await writeFile(at('fake.onnx'), 'not a model')
    const subject = at('fake.onnx')
    await fails(['predict', subject, image()], 2, /fake\.onnx/, { subject, hint: /cflow train/ })
    await fails(['evaluate', subject, '--dataset', 'synthetic'], 2, /fake\.onnx/, { subject })
    await fails(['predict', at('good'), image()], 2, /folder, not a detector/)
    await fails(['evaluate', at('good'), '--dataset', 'synthetic'], 2, /folder, not a detector/)
  })

  it('an ONNX model that is not ours', async () => {
    const { input, writeOnnx } = await import('@cflow/graph')
    await writeFile(at('other.onnx'), writeOnnx({ y: input('x', 'float32', [1]) }))
    const expected = { subject: at('other.onnx'), hint: /cflow train/ }
    await fails(['predict', at('other.onnx'), image()], 2, /not a CFLOW detector/, expected)
    const evaluation = ['evaluate', at('other.onnx'), '--dataset', 'synthetic']
    await fails(evaluation, 2, /not a CFLOW detector/, expected)
  })

  it('a checkpoint from other settings, or a damaged one', async () => {
    const out = ['--out', at('resumed')]
    expect((await cflow(['train', ...set(), ...out])).code).toBe(0)
    const again = ['train', ...set(), ...out, '--resume']
    await fails([...again, '--seed', '5'], 2, /made with seed 0, now it is 5/, {
      hint: /without --resume/,
    })
    await writeMvtec(at('more'), 9)
    await fails([...again, '--root', at('more')], 2, /other training images/)
    await writeFile(at('resumed', 'checkpoint', 'checkpoint.safetensors'), 'damaged')
    await fails(again, 2, /checkpoint is damaged/, { hint: /without --resume/ })
  })

  it('an output folder that cannot be made', async () => {
    const out = join(image(), 'run')
    await fails(['train', ...set(), '--out', out], 1, /cannot write .*0\.png.*not a folder/)
  })

  it.skipIf(process.platform === 'win32')('a file in the way of an output', async () => {
    await mkdir(at('way', 'model.onnx'), { recursive: true })
    await fails(['train', ...set(), '--out', at('way')], 1, /cannot write .*model\.onnx/, {
      subject: at('way', 'model.onnx'),
    })
    await rm(at('way', 'model.onnx'), { recursive: true })
    expect((await readdir(at('way'))).sort()).toEqual(['checkpoint'])
  })
})

describe('usage', { timeout: 60_000 }, () => {
  it('flags that do not exist or do not fit', async () => {
    await fails(['train', '--encodr', 'x'], 2, /unknown option '--encodr'/, { hint: /--encoder/ })
    await fails(['train', '--passes', 'many'], 2, /--passes needs a number, got 'many'/)
    await fails(['train', '--passes', '-1', '--dataset', 'synthetic'], 2, /--passes: /)
    await fails([...mvtec(), '--recipe', 'best'], 2, /--recipe: .*whitened/)
    await fails([...mvtec(), '--input-size', '31', '--category', 'part'], 2, /--input-size: /)
    await fails(['train', '--dataset', 'synthetic', '--encoder', 'vgg'], 2, /vgg/)
    await fails(['train', '--conditional', '--unconditional'], 2, /exclude each other/)
    await fails(['predict'], 2, /missing required argument 'model'/)
    await fails(['predcit'], 2, /unknown command 'predcit'/, { hint: /predict/ })
  })

  it('a configuration file with unknown keys, all of them named', async () => {
    await writeFile(at('bad.yaml'), 'passes: 2\nlearningrate: 1\nsize: 3\n')
    const expected = { subject: at('bad.yaml'), hint: /learningRate/ }
    await fails(['train', '--config', at('bad.yaml')], 2, /learningrate, size/, expected)
  })

  it('a configuration file that is missing, no list of settings, or has a value that does not fit', async () => {
    await fails(['train', '--config', at('gone.yaml')], 2, /there is no .*gone\.yaml/)
    await writeFile(at('list.json'), '[1, 2]')
    await fails(['train', '--config', at('list.json')], 2, /holds no settings/)
    await writeFile(at('broken.yaml'), 'passes: [1\n')
    await fails(['train', '--config', at('broken.yaml')], 2, /neither YAML nor JSON/)
    await writeFile(at('wrong.json'), '{"passes": "two"}')
    await fails(['train', '--config', at('wrong.json')], 2, /passes in .*wrong\.json: /)
  })

  it('with --json the error is the one document on standard output', async () => {
    const result = await cflow(['train', '--root', at('gone'), '--json'])
    expect(result.code).toBe(2)
    expect(json(result)).toEqual({
      error: {
        code: 'NOT_FOUND',
        message: `there is no ${at('gone')}`,
        subject: at('gone'),
        hint: expect.any(String) as string,
      },
    })
  })

  it('shows a stack trace only when asked', async () => {
    const { err } = await cflow(['train', '--root', at('gone'), '--debug'])
    expect(err).toMatch(/^error: [^]*CflowError[^]*\n\s+at .*\.ts:\d+/)
  })

  it('a folder for the synthetic set', () =>
    fails(['train', '--dataset', 'synthetic', '--root', dir], 2, /has no --root/))
})
