import { temporaryFolder } from '@cflow/base/testing'
import { Random, floats } from '@cflow/base'
import * as g from '@cflow/graph'
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { loadDetector } from '@cflow/detector'
import { cflow, json } from './cflow.js'
import { writeMvtec } from './photos.js'

const dir = await temporaryFolder('cli')
const at = (...parts: string[]) => join(dir, ...parts)

const random = Random.seeded(1, 'encoder')
const weights = (...shape: number[]) =>
  g.constant(
    floats(
      'float32',
      shape,
      Float32Array.from({ length: shape.reduce((n, d) => n * d, 1) }, () =>
        random.uniform(-0.2, 0.2),
      ),
    ),
  )

/** A small CNN with maps `fine` and `coarse`, for images of any size. */
function cnn(): Uint8Array {
  const image = g.input('pixels', 'float32', ['N', 3, 'H', 'W'])
  const same = { strides: [4, 4], pads: [1, 1, 1, 1] } as const
  const fine = g.relu(g.conv(image, weights(8, 3, 5, 5), same))
  const coarse = g.relu(g.conv(fine, weights(10, 8, 5, 5), same))
  return g.writeOnnx({ fine, coarse, logits: g.globalAveragePool(coarse) })
}

/** A small transformer for 64 pixels, whose graph takes one image at a time; tap `tokens` [1, 17, 6]. */
function vit(): Uint8Array {
  const image = g.input('pixels', 'float32', [1, 3, 64, 64])
  const patches = g.conv(image, weights(6, 3, 16, 16), { strides: [16, 16] })
  const words = g.transpose(g.reshape(patches, [1, 6, 16]), [0, 2, 1])
  const all = g.concat([weights(1, 1, 6), words], 1)
  const scores = g.matMul(all, g.transpose(all, [0, 2, 1]))
  const tokens = g.add(all, g.matMul(g.sigmoid(scores), g.matMul(all, weights(1, 6, 6))))
  return g.writeOnnx({ tokens, logits: g.reduceMean(tokens, [1]) })
}

beforeAll(async () => {
  await writeMvtec(at('set'))
  await writeFile(at('cnn.onnx'), cnn())
  await writeFile(at('vit.onnx'), vit())
})

const training = (file: string, out: string, ...flags: string[]) => [
  'train',
  ...['--dataset', 'mvtec', '--root', at('set'), '--category', 'part', '--encoder', at(file)],
  ...['--passes', '1', '--coupling-layers', '2', '--folds', '0', '--neighbourhoods', '1'],
  ...['--quiet', '--out', at(out), ...flags],
]
const size = (pixels: number) => ['--input-size', String(pixels)]
const detectorOf = (out: string) => loadDetector(at(out, 'model.onnx'))
const images = async () => {
  const folder = at('set', 'part', 'train', 'good')
  return (await readdir(folder)).map((name) => join(folder, name))
}

describe('train --encoder FILE.onnx', { timeout: 120_000 }, () => {
  it('makes a detector of a CNN that is a file of its own, at a size its strides do not divide', async () => {
    const normalisation = ['--mean', '0.5, 0.4,0.3', '--std', '0.2,0.2,0.25']
    const taps = ['--taps', 'coarse,fine']
    const result = await cflow([
      ...training('cnn.onnx', 'cnn', ...size(72), ...taps, ...normalisation),
      '--json',
    ])
    expect(result.err).toBe('')
    expect(json(result)).toMatchObject({
      config: {
        encoder: 'cnn.onnx',
        inputSize: 72,
        poolLayers: 2,
        onnx: { taps: ['coarse', 'fine'] },
      },
    })
    const detector = await detectorOf('cnn')
    const { encoder } = detector.manifest
    expect(encoder).toMatchObject({
      name: 'cnn.onnx',
      digest: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
      mean: [0.5, 0.4, 0.3],
      std: [0.2, 0.2, 0.25],
      taps: [
        { name: 'fine', channels: 8, stride: 4, height: 18 },
        { name: 'coarse', channels: 10, height: 4, stride: 18 },
      ],
    })
    expect(encoder.batch).toBeUndefined()
    const some = (await images()).slice(0, 3)
    const together = await detector.detectBatch(some)
    for (const [i, path] of some.entries())
      expect(together[i]!.score).toBeCloseTo((await detector.detect(path)).score, 3)
    await detector.release()
    expect(
      (await cflow(['predict', at('cnn', 'model.onnx'), at('set', 'part', 'train')])).code,
    ).toBe(0)
  })

  it('makes a detector of a transformer’s tokens, one image at a time where its graph is so', async () => {
    const result = await cflow([...training('vit.onnx', 'vit', '--taps', 'tokens'), '--json'])
    expect(result.err).toBe('')
    expect(json(result)).toMatchObject({ config: { inputSize: 64, poolLayers: 1 } })
    const detector = await detectorOf('vit')
    expect(detector.manifest.encoder).toMatchObject({
      batch: 1,
      mean: [0.485, 0.456, 0.406],
      taps: [{ name: 'tokens', channels: 6, stride: 16, height: 4, width: 4 }],
    })
    const some = (await images()).slice(0, 3)
    const together = await detector.detectBatch(some, { batchSize: 8 })
    for (const [i, path] of some.entries())
      expect(together[i]!.score).toBe((await detector.detect(path)).score)
    await detector.release()
  })

  it('reads the same from a configuration file, and goes on only with the same file', async () => {
    const lines = [
      `encoder: ${JSON.stringify(at('cnn.onnx'))}`,
      'taps: [fine]',
      'mean: [0.5, 0.5, 0.5]',
      'std: 0.5,0.5,0.5',
      'prefix-tokens: 0',
      'dataset: mvtec',
      `root: ${JSON.stringify(at('set'))}`,
      'category: part',
    ]
    await writeFile(at('settings.yaml'), lines.join('\n'))
    const run = (...more: string[]) =>
      cflow([
        'train',
        '--config',
        at('settings.yaml'),
        ...size(64),
        '--coupling-layers',
        '1',
        '--passes',
        '2',
        '--out',
        at('resumed'),
        '--quiet',
        ...more,
      ])
    expect((await run('--stop-after', '1')).err).toBe('')
    const resumed = await run('--resume', '--json')
    expect(json(resumed)).toMatchObject({
      config: {
        onnx: { taps: ['fine'], mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5], prefixTokens: 0 },
      },
    })
    await mkdir(at('other'))
    await writeFile(at('other', 'cnn.onnx'), cnn()) // other random weights under the same name
    const changed = await run('--resume', '--encoder', at('other', 'cnn.onnx'))
    expect(changed.code).toBe(2)
    expect(changed.err).toMatch(/checkpoint was made with onnx .*digest/)
  })

  it('says what is wrong, and leaves nothing', async () => {
    const fails = async (args: string[], message: RegExp) => {
      const { code, err } = await cflow(args)
      expect(err).toMatch(message)
      expect(err).not.toMatch(/\n\s+at .*\.(ts|js):\d+/)
      expect(code).toBe(2)
      expect(await readdir(dir)).not.toContain('nothing')
    }
    const of = (file: string, ...flags: string[]) => training(file, 'nothing', ...flags)
    await fails(of('cnn.onnx', ...size(64)), /--taps is missing[^]*cflow encoders taps/)
    await fails(
      of('cnn.onnx', ...size(64), '--taps', 'middle'),
      /no value called middle[^]*it has .*fine/,
    )
    await fails(
      of('vit.onnx', ...size(96), '--taps', 'tokens'),
      /takes images of 64 pixels only[^]*--input-size 64/,
    )
    await fails(of('vit.onnx', '--taps', 'tokens', '--prefix-tokens', '3'), /17 tokens: without 3/)
    await fails(
      of('cnn.onnx', '--taps', 'fine', '--weights', 'w.pth'),
      /--weights does not go with it/,
    )
    await fails(of('cnn.onnx', '--taps', 'fine', '--mean', '0.5'), /--mean: /)
    await fails(of('cnn.onnx', '--taps', 'fine', '--std', '1,0,1'), /--std needs numbers above 0/)
    await fails(of('cnn.onnx', '--taps', 'fine', '--pool-layers', '2'), /has no 2 pool layers/)
    await fails(of('gone.onnx', '--taps', 'fine'), /there is no file .*gone\.onnx/)
    const noise: g.Operator = { type: 'RandomUniformLike', infer: ([x]) => [x!] }
    const pixels = g.input('pixels', 'float32', ['N', 3, 'H', 'W'])
    await writeFile(
      at('noise.onnx'),
      g.writeOnnx({ fine: g.add(pixels, g.apply(noise, [pixels])) }),
    )
    await fails(of('noise.onnx', '--taps', 'fine'), /noise\.onnx: the model is random: RandomUniformLike/) // prettier-ignore
    await writeFile(at('text.onnx'), 'hello')
    await fails(of('text.onnx', '--taps', 'fine'), /text\.onnx: not an ONNX file/)
    const named = of('cnn.onnx', '--taps', 'fine').map((a) =>
      a === at('cnn.onnx') ? 'efficientnet-lite0' : a,
    )
    await fails(named, /--taps is for an encoder that is an ONNX file/)
  })
})

describe('encoders taps', () => {
  it('lists what could be tapped', async () => {
    const { code, out } = await cflow(['encoders', 'taps', at('cnn.onnx'), '--input-size', '64'])
    expect(code).toBe(0)
    expect(out).toMatch(/^NAME +CHANNELS +AT 64 PX +KIND\n/)
    expect(out).toMatch(/^fine +8 +16×16 +map$/m)
    const listed = await cflow(['encoders', 'taps', at('vit.onnx'), '--json'])
    expect(json(listed)).toMatchObject({ inputSize: 64 })
    expect(json<{ taps: unknown[] }>(listed).taps).toContainEqual(
      expect.objectContaining({ name: 'tokens', kind: 'tokens', channels: 6, height: 4 }),
    )
    const registers = await cflow(['encoders', 'taps', at('vit.onnx'), '--prefix-tokens', '3'])
    expect(registers.out).toMatch(/^tokens .* needs --prefix-tokens 1$/m)
    const pooled = g.globalAveragePool(g.input('x', 'float32', ['N', 3, 'H', 'W']))
    await writeFile(at('pooled.onnx'), g.writeOnnx({ pooled }))
    const none = await cflow(['encoders', 'taps', at('pooled.onnx'), '--input-size', '64'])
    expect([none.code, none.out]).toEqual([2, ''])
    expect(none.err).toMatch(/no value of .*pooled\.onnx is a square map/)
    const wrong = await cflow(['encoders', 'taps', at('cnn.onnx'), '--input-size', 'x'])
    expect(wrong.err).toMatch(/--input-size needs a whole number/)
  })
})
