import { temporaryFolder } from '@cflow/base/testing'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { cflow, json } from './cflow.js'
import { writeMvtec } from './photos.js'

const dir = await temporaryFolder('cli')

beforeAll(async () => {
  await writeMvtec(join(dir, 'set'), 6, 4)
})

interface Case {
  readonly recipe: 'whitened' | 'paper'
  readonly inputSize: number
  readonly poolLayers: number
  readonly couplingLayers: number
  readonly conditional: boolean
}

/** The axes of the paper's Table 2, and sizes that no stride divides. */
const cases: readonly Case[] = [
  { recipe: 'whitened', inputSize: 250, poolLayers: 3, couplingLayers: 1, conditional: true },
  { recipe: 'whitened', inputSize: 100, poolLayers: 2, couplingLayers: 3, conditional: false },
  { recipe: 'whitened', inputSize: 33, poolLayers: 1, couplingLayers: 12, conditional: false },
  { recipe: 'paper', inputSize: 96, poolLayers: 1, couplingLayers: 4, conditional: false },
  { recipe: 'paper', inputSize: 75, poolLayers: 2, couplingLayers: 2, conditional: true },
]

describe('the axes of Table 2, from flags', { timeout: 120_000 }, () => {
  it.each(cases)('%j', async (expected) => {
    const { recipe, inputSize, poolLayers, couplingLayers, conditional } = expected
    const out = join(dir, `${recipe}${inputSize}`)
    const images = ['--dataset', 'mvtec', '--root', join(dir, 'set'), '--category', 'part']
    const axes = {
      recipe,
      'input-size': inputSize,
      'pool-layers': poolLayers,
      'coupling-layers': couplingLayers,
    }
    const flags = Object.entries(axes).flatMap(([name, value]) => [`--${name}`, String(value)])
    const result = await cflow([
      ...['train', ...images, ...flags, conditional ? '--conditional' : '--unconditional'],
      ...['--passes', '1', '--mini-batch', '64', '--folds', '0', '--neighbourhoods', '1'],
      ...['--out', out, '--quiet', '--json'],
    ])
    expect(result.err).toBe('')
    expect(json(result)).toMatchObject({ config: expected })
    const model = join(out, 'model.onnx')
    const evaluated = await cflow(['evaluate', model, ...images, '--json', '--quiet'])
    expect(json(evaluated)).toMatchObject({
      detector: { inputSize, recipe },
      pixel: { auroc: expect.any(Number) as number },
    })
    const { loadDetector } = await import('@cflow/detector')
    const { manifest } = await loadDetector(model)
    expect(manifest.flows).toHaveLength(poolLayers)
    for (const flow of manifest.flows)
      expect(flow).toMatchObject({ couplingLayers, condition: conditional ? 128 : 0 })
    const positions = manifest.encoder.taps.map((t) => t.height)
    expect(positions).toEqual([8, 16, 32].slice(-poolLayers).map((s) => Math.ceil(inputSize / s)))
  })
})
