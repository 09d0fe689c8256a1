import { floats, Random, sizeOf, tensor, type Tensor } from '@cflow/base'
import {
  conditionRows,
  constantValues,
  flowOfState,
  flowTransform,
  initialiseFlow,
  latentLogLikelihood,
} from '@cflow/core'
import { encoderSpec } from '@cflow/encoders'
import { input, writeOnnx } from '@cflow/graph'
import { openRuntime } from '@cflow/runtimes'
import { readPth, type Weights } from '@cflow/weights'
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { authorsCheckpoint } from './authors-checkpoint.js'

const fixture = (name: string) => readFileSync(new URL(`../fixtures/${name}`, import.meta.url))

interface Expected {
  readonly depth: number
  readonly condition: number
  readonly couplingLayers: number
  readonly permutation: 'soft' | 'hard'
  readonly x: number[][]
  readonly c: number[][]
  readonly logp: number[]
}

/** Written by PyTorch and FrEIA: benchmarks/peers/freia_checkpoint.py. */
const tensors = readPth(fixture('freia_checkpoint.pt'))
const { scales } = JSON.parse(fixture('freia_checkpoint.json').toString()) as {
  readonly scales: readonly Expected[]
}

describe('a checkpoint that PyTorch and FrEIA wrote', () => {
  it.each(scales.map((s, k) => [k, s] as const))(
    'has FrEIA’s log-likelihoods at scale %i',
    async (k, { x, c, logp, ...expected }) => {
      const prefix = `decoder_state_dict.${k}.`
      const state = new Map(
        [...tensors]
          .filter(([key]) => key.startsWith(prefix))
          .map(([key, t]) => [key.slice(prefix.length), t]),
      )
      const { config, parameters } = flowOfState(state, 'paper', prefix)
      expect(config).toEqual({ ...expected, clamp: 'paper' })
      // in double precision, like the reference
      const wide = new Map(
        [...parameters].map(([key, t]) => [key, floats('float64', t.shape, [...t.data])]),
      )
      const rows = x.length
      const xs = input('x', 'float64', [rows, config.depth])
      const cs = input('c', 'float64', [rows, config.condition])
      const condition = config.condition > 0 ? conditionRows(cs) : undefined
      const latent = flowTransform(config).forward(xs, constantValues(wide), { condition })
      const session = await (
        await openRuntime()
      ).createSession(writeOnnx({ logp: latentLogLikelihood(latent) }))
      const got = await session.run({
        x: floats('float64', [rows, config.depth], x.flat()),
        ...(c.length > 0 && { c: floats('float64', [rows, config.condition], c.flat()) }),
      })
      await session.release()
      logp.forEach((wanted, i) =>
        expect(Math.abs((got['logp']!.data[i] as number) - wanted)).toBeLessThan(
          1e-9 * Math.abs(wanted),
        ),
      )
    },
  )
})

/** A checkpoint with decoders for depths, and the encoder whose name is given. */
function checkpoint(depths: readonly number[], encoder?: string, condition = 128): Weights {
  const all = new Map<string, Tensor>()
  if (encoder !== undefined)
    for (const { key, shape } of encoderSpec(encoder).parameters)
      all.set(
        `encoder_state_dict.${key}`,
        tensor('float32', shape, new Float32Array(sizeOf(shape))),
      )
  depths.forEach((depth, k) => {
    const config = {
      depth,
      condition,
      couplingLayers: 1,
      permutation: 'hard',
      clamp: 'paper',
    } as const
    for (const [key, t] of initialiseFlow(config, Random.seeded(k, 'flow'), 'random'))
      all.set(`decoder_state_dict.${k}.${key}`, t)
  })
  return all
}

describe('authorsCheckpoint', () => {
  it('finds the encoder, by its weights or by depths alone', () => {
    const full = authorsCheckpoint(checkpoint([48, 96], 'mobilenet-v3-small'))
    expect(full.spec.name).toBe('mobilenet-v3-small')
    expect([...full.weights!.keys()]).toEqual(full.spec.parameters.map((p) => p.key))
    expect(full.flows.map((f) => f.config.depth)).toEqual([48, 96])
    const bare = authorsCheckpoint(checkpoint([40, 112, 160], undefined, 0))
    expect(bare.spec.name).toBe('mobilenet-v3-large')
    expect([bare.weights, bare.flows[0]!.config.condition]).toEqual([undefined, 0])
  })

  it('asks where several encoders have the depths, and takes the one that is named', () => {
    const both = checkpoint([128, 256, 512])
    expect(() => authorsCheckpoint(both)).toThrow(
      expect.objectContaining({
        code: 'USAGE',
        hint: expect.stringContaining('resnet18, resnet34') as string,
      }),
    )
    expect(authorsCheckpoint(both, { encoder: 'resnet34' }).spec.name).toBe('resnet34')
    expect(() => authorsCheckpoint(checkpoint([7]))).toThrow(/cannot be told from its depths 7/)
  })

  it('names what does not fit', () => {
    const of = (message: RegExp, hint: RegExp) =>
      expect.objectContaining({
        code: 'WEIGHTS',
        message: expect.stringMatching(message) as string,
        hint: expect.stringMatching(hint) as string,
      })
    expect(() => authorsCheckpoint(checkpoint([40, 112, 160]), { encoder: 'resnet18' })).toThrow(
      of(
        /decoders are for 40, 112, 160 channels, and the taps of resnet18 have 128, 256, 512/,
        /mobilenet-v3-large/,
      ),
    )
    expect(() =>
      authorsCheckpoint(checkpoint([128, 256, 512], 'resnet18'), { encoder: 'resnet34' }),
    ).toThrow(
      of(/not weights of resnet34: missing layer1\.2\.conv1\.weight/, /weights of resnet34/),
    )
    expect(() => authorsCheckpoint(new Map())).toThrow(
      of(/holds no decoders/, /decoder_state_dict/),
    )
    expect(() => authorsCheckpoint(checkpoint([4, 4, 4, 4]))).toThrow(/holds 4 decoders/)
    const damaged = new Map(checkpoint([40, 112, 160]))
    damaged.delete('decoder_state_dict.1.module_list.0.w_perm')
    expect(() => authorsCheckpoint(damaged)).toThrow(
      /decoder_state_dict\.1\.module_list\.0\.w_perm is missing/,
    )
  })
})
