import { temporaryFolder } from '@cflow/base/testing'
import { writeMaskPng } from '@cflow/datasets/node'
import { execFileSync } from 'node:child_process'
import { access, mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises'
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

const state = async (run: string): Promise<unknown> =>
  (JSON.parse(await readFile(join(run, 'run.json'), 'utf8')) as { state: unknown }).state

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
    // before the training, which would be in vain
    await fails([...args, ...tiny], 2, /the mask has 32×64 pixels and its image .* 64×64/, {
      subject: mask,
    })
  })

  it('a test image that is cut off', async () => {
    await writeMvtec(at('late'))
    const test = at('late', 'part', 'test', 'good')
    const [first] = (await readdir(test)).sort()
    await writeTruncated(join(test, first!))
    const args = ['train', '--dataset', 'mvtec', '--root', at('late'), '--category', 'part']
    const out = at('late-run')
    const result = await cflow([...args, ...tiny, '--passes', '1', '--out', out])
    expect(result.code).toBe(2)
    expect(result.err).toMatch(/damaged or cut off/)
    // the training itself was good: its checkpoint is kept, and nothing else is written
    expect(await readdir(out)).toEqual(['checkpoint', 'run.json'])
    expect(await state(out)).toBe('failed')
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
    expect(await readdir(at('way'))).toEqual([])
  })
})

describe('usage', { timeout: 60_000 }, () => {
  it('flags that do not exist or do not fit', async () => {
    await fails(['train', '--encodr', 'x'], 2, /unknown option '--encodr'/, { hint: /--encoder/ })
    await fails(
      ['train', '--passes', 'many'],
      2,
      /--passes needs a whole number from 0 to 100000, got 'many'/,
    )
    await fails(
      ['train', '--passes', '-1', '--dataset', 'synthetic'],
      2,
      /--passes needs a whole number from 0 to 100000, got -1/,
    )
    await fails([...mvtec(), '--recipe', 'best'], 2, /there is no recipe best/, {
      hint: /whitened/,
    })
    await fails(
      [...mvtec(), '--input-size', '31', '--category', 'part'],
      2,
      /--input-size needs a whole number from 32 to 4096, got 31/,
    )
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
    await fails(
      ['train', '--config', at('wrong.json')],
      2,
      /passes in .*wrong\.json needs a whole number .*, got 'two'/,
    )
  })

  it('words that nearly exist are answered with those that do', async () => {
    const near = (word: string) => ({ hint: new RegExp(`[Dd]id you mean ${word}\\?`) })
    await writeFile(at('near.yaml'), 'pases: 2\n')
    await fails(['train', '--config', at('near.yaml')], 2, /unknown key: pases/, near('passes'))
    await writeFile(at('nears.yaml'), 'pases: 2\nlearningrat: 1\n')
    const both = near('passes for pases, learningRate for learningrat')
    await fails(['train', '--config', at('nears.yaml')], 2, /unknown keys/, both)
    const synthetic = ['train', '--dataset', 'synthetic']
    await fails([...synthetic, '--encoder', 'resnet-81'], 2, /resnet-81/, near('resnet18'))
    await fails([...synthetic, '--recipe', 'whitend'], 2, /whitend/, near('whitened'))
    await fails(['reproduce', 'tabel1'], 2, /tabel1/, near('table1'))
    await fails([...synthetic, '--method', 'padm'], 2, /--method is one of .*did you mean padim\?/)
    await fails([...synthetic, '--loss', 'nl'], 2, /--loss is one of .*did you mean nll\?/)
  })

  it('an error about a setting names what was written: the flag, or the key of the file', async () => {
    const args = ['train', '--dataset', 'synthetic', '--method', 'padim']
    const expected = { subject: '--passes', hint: /cflow/ }
    await fails([...args, '--passes', '3'], 2, /--passes is no setting of PaDiM/, expected)
    await writeFile(at('key.yaml'), 'passes: 3\n')
    const message = /passes in .*key\.yaml is no setting of PaDiM/
    await fails([...args, '--config', at('key.yaml')], 2, message)
    await fails([...args, '--recipe', 'x'], 2, /--recipe is no setting of PaDiM/)
  })

  it('the authors’ aggregation, which a saved detector cannot have', async () => {
    const hint = /--aggregation: .*a whole test set.*use calibrated, and --protocol paper/
    await fails([...mvtec(), '--aggregation', 'paper'], 2, hint)
    await fails(
      [...mvtec(), '--aggregation', 'papr'],
      2,
      /--aggregation is one of calibrated, joint/,
    )
  })

  it('no error speaks the language of a library', async () => {
    const wrong = {
      ...{ passes: 0.5, learningRate: 0, heldOut: 2, inputSize: 1, poolLayers: 7, seed: -1 },
      ...{ falsePositiveRate: 1, conditional: 'yes', encoder: 5, taps: [], mean: [1], json: 3 },
    }
    for (const [key, value] of Object.entries(wrong)) {
      await writeFile(at('wrong.json'), JSON.stringify({ [key]: value, dataset: 'synthetic' }))
      const { code, err } = await cflow(['train', '--config', at('wrong.json')])
      expect(code, key).toBe(2)
      expect(err).toMatch(new RegExp(`^error: ${key} in .*wrong\\.json:? `))
      expect(err).not.toMatch(/Too (small|big)|Invalid|expected|received|>=|<=/)
    }
  })

  it.skipIf(process.platform === 'win32')(
    'pipes and devices end at once, as any file',
    async () => {
      execFileSync('mkfifo', [at('pipe')])
      const pipe = at('pipe')
      await fails(['train', '--config', pipe], 2, /a named pipe, not a configuration file/)
      await fails(['predict', pipe, at('good')], 2, /a named pipe, not a detector file/)
      await fails(['predict', '/dev/zero', at('good')], 2, /a device, not a detector file/)
      await fails(
        ['import', pipe, '--root', at('good'), '--quiet'],
        1,
        /a pipe, a socket or a device/,
      )
      const weights = ['train', '--root', at('good'), '--weights', pipe, '--quiet']
      await fails(weights, 1, /a pipe, a socket or a device/)
      await fails([...set(), '--out', pipe].toSpliced(0, 0, 'train'), 1, /cannot write .*pipe/)
    },
  )

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
