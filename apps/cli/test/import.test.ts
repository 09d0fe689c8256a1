import { temporaryFolder } from '@cflow/base/testing'
import { Random } from '@cflow/base'
import { initialiseFlow } from '@cflow/core'
import { writeSafetensors } from '@cflow/weights'
import { access, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { cflow, json } from './cflow.js'
import { writeGood, writeMvtec } from './photos.js'
import { legacyPth } from './pth.js'
import { randomWeights } from './weights.js'

const dir = await temporaryFolder('cli')
const at = (...parts: string[]) => join(dir, ...parts)

const name = 'mobilenet-v3-small'
const weights = randomWeights(name)
const decoders = [48, 96].map((depth, k) =>
  Object.fromEntries(
    initialiseFlow(
      { depth, condition: 128, couplingLayers: 1, permutation: 'soft', clamp: 'paper' },
      Random.seeded(k, 'flow'),
      'random',
    ),
  ),
)

beforeAll(async () => {
  vi.stubEnv('CFLOW_HOME', at('home'))
  await writeMvtec(at('set'))
  const whole = { encoder_state_dict: Object.fromEntries(weights), decoder_state_dict: decoders }
  await writeFile(at('whole.pt'), legacyPth(whole))
  await writeFile(at('bare.pt'), legacyPth({ decoder_state_dict: decoders }))
  await writeFile(at('weights.safetensors'), writeSafetensors(weights))
})
afterAll(async () => {
  vi.unstubAllEnvs()
})

const set = () => ['--dataset', 'mvtec', '--root', at('set'), '--category', 'part']
const imported = (file: string, out: string, ...flags: string[]) =>
  cflow(['import', at(file), ...set(), '--input-size', '64', '--out', at(out), '--quiet', ...flags])

interface Imported {
  readonly encoder: string
  readonly calibration: { readonly guaranteed: boolean; readonly source: string }
}

describe('import', { timeout: 60_000 }, () => {
  it('makes a detector that the other commands take', async () => {
    const result = await imported('whole.pt', 'first', '--json')
    expect(result.err).toBe('')
    expect(json(result)).toMatchObject({
      encoder: name,
      inputSize: 64,
      flows: [48, 96].map((depth) => ({
        depth,
        condition: 128,
        couplingLayers: 1,
        permutation: 'soft',
        clamp: 'paper',
      })),
      calibration: { source: 'training', guaranteed: false, scores: 8 },
      files: { model: at('first', 'model.onnx') },
    })
    const evaluated = await cflow(['evaluate', at('first', 'model.onnx'), ...set(), '--json'])
    expect(json(evaluated)).toMatchObject({
      detector: { encoder: name, recipe: 'paper', aggregation: 'calibrated' },
    })
    const predicted = await cflow([
      'predict',
      at('first', 'model.onnx'),
      at('set', 'part', 'train'),
    ])
    expect(predicted.code).toBe(0)
  })

  it('takes the encoder’s weights from the file, from --weights, or from the cache', async () => {
    const model = (out: string) => readFile(at(out, 'model.onnx'))
    expect((await imported('whole.pt', 'own')).code).toBe(0)
    const without = await imported('bare.pt', 'nothing')
    expect(without.code).toBe(2)
    expect(without.err).toMatch(/weights of mobilenet-v3-small are not on this machine/)
    await expect(access(at('nothing'))).rejects.toThrow('ENOENT')
    const given = await imported('bare.pt', 'given', '--weights', at('weights.safetensors'))
    expect(given.code).toBe(0)
    expect(given.out).toMatch(
      /encoder +mobilenet-v3-small, 64 pixels\nflows +2 of 1 coupling layers, conditional, soft/,
    )
    await cflow(['encoders', 'import', name, at('weights.safetensors')])
    expect((await imported('bare.pt', 'cached')).code).toBe(0)
    const scoresOf = async (out: string) =>
      (await cflow(['predict', at(out, 'model.onnx'), at('set', 'part', 'train')])).out
    const expected = await scoresOf('own')
    expect(await scoresOf('given')).toBe(expected)
    expect((await model('cached')).equals(await model('given'))).toBe(true)
  })

  it('guarantees a rate only for images that were not trained on', async () => {
    await writeGood(at('unseen'), 24)
    const args = ['import', at('whole.pt'), '--root', at('unseen'), '--input-size', '64', '--json']
    const rate = ['--false-positive-rate', '0.1', '--quiet', '--out', at('unseen-run')]
    const result = await cflow([...args, ...rate, '--unseen'])
    expect(json<Imported>(result).calibration).toMatchObject({
      source: 'held-out',
      guaranteed: true,
    })
  })

  it('says what is wrong with a checkpoint, and leaves nothing', async () => {
    const fails = async (file: string, message: RegExp, ...flags: string[]) => {
      const { code, err } = await imported(file, 'nothing', ...flags)
      expect(err).toMatch(message)
      expect(err).not.toMatch(/\n\s+at .*\.(ts|js):\d+/)
      expect(code).toBe(2)
      await expect(access(at('nothing'))).rejects.toThrow('ENOENT')
    }
    await fails('gone.pt', /there is no file .*gone\.pt/)
    await writeFile(at('text.pt'), 'hello')
    await fails('text.pt', /text\.pt: /)
    await writeFile(at('cut.pt'), (await readFile(at('whole.pt'))).subarray(0, 50_000))
    await fails('cut.pt', /cut\.pt: /)
    await writeFile(at('encoder.pt'), legacyPth({ a: Object.fromEntries(weights) }))
    await fails('encoder.pt', /encoder\.pt: the file holds no decoders/)
    await fails(
      'whole.pt',
      /decoders are for 48, 96 channels.*resnet18 have 256, 512[^]*mobilenet-v3-small/,
      '--encoder',
      'resnet18',
    )
    await fails('whole.pt', /no encoder called vgg/, '--encoder', 'vgg')
    const incomplete = { ...decoders[1]! }
    delete incomplete['module_list.0.w_perm']
    await writeFile(at('part.pt'), legacyPth({ decoder_state_dict: [decoders[0]!, incomplete] }))
    await fails('part.pt', /decoder_state_dict\.1\.module_list\.0\.w_perm is missing/)
    await writeFile(at('other.pt'), legacyPth({ decoder_state_dict: [decoders[0]!] }))
    await fails('other.pt', /cannot be told from its depths 48[^]*at: --encoder/)
  })
})
