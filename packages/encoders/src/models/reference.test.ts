import { sizeOf } from '@cflow/base'
import type { Weights } from '@cflow/weights'
import { describe, expect, it } from 'vitest'
import {
  deviation,
  golden,
  goldenImage,
  goldenWeights,
  runEncoder,
  type GoldenTap,
} from '../../test/golden.js'
import { encoderSpec, selectTaps, type EncoderSpec } from '../index.js'

type Taps = Readonly<Record<string, GoldenTap>>

const cases = [
  { name: 'resnet18', padding: 'zeros' },
  { name: 'resnet18', padding: 'reflect' },
  { name: 'wide_resnet50_2', padding: 'zeros' },
  { name: 'wide_resnet50_2', padding: 'reflect' },
  { name: 'mobilenet_v3_large', padding: undefined },
] as const

const timeout = 60_000

/** Numbers of parameters (running statistics not counted) without the head and what else no tap needs. */
const counts = [
  ['resnet18', 11_689_512 - 513_000],
  ['resnet34', 21_797_672 - 513_000],
  ['resnet50', 25_557_032 - 2_049_000],
  ['wide-resnet50-2', 68_883_240 - 2_049_000],
  ['mobilenet-v3-large', 5_483_032 - 155_520 - 1_230_080 - 1_281_000 - 320],
  ['mobilenet-v3-small', 2_542_856 - 56_448 - 590_848 - 1_025_000 - 192],
  ['efficientnet-lite0', 4_652_008 - 605_440 - 412_160 - 1_281_000],
  ['efficientnet-lite1', 5_416_680 - 605_440 - 412_160 - 1_281_000],
  ['efficientnet-lite2', 6_092_072 - 715_808 - 453_120 - 1_281_000],
] as const

describe('encoders with reference weights', () => {
  // made once for both paddings
  const made = new Map<string, Weights>()
  const weightsOf = (spec: EncoderSpec): Weights => {
    const weights = made.get(spec.name) ?? goldenWeights(spec.parameters)
    made.set(spec.name, weights)
    return weights
  }

  it.each(cases)(
    '$name $padding agrees with torchvision',
    async ({ name, padding }) => {
      const spec = encoderSpec(name, padding ? { padding } : {})
      const model = golden.models[name]!
      expect(spec.parameters.slice(0, 6).map((p) => [p.key, p.shape])).toEqual(model.firstKeys)
      const maps = await runEncoder(spec, weightsOf(spec), goldenImage(spec))
      const taps = (padding ? model.taps[padding] : model.taps) as Taps
      for (const [i, tap] of spec.taps.entries()) {
        const worst = deviation(maps[i]!, taps[tap.name]!)
        expect(worst).toBeLessThan(1e-5)
      }
    },
    timeout,
  )
})

describe('encoders', () => {
  it("know timm's names", () => {
    const aliases = (name: string) => encoderSpec(name).parameters.map((p) => p.alias)
    const large = [
      'conv_stem.weight',
      'blocks.0.0.conv_pw.weight',
      'blocks.2.2.se.conv_reduce.bias',
    ]
    expect(aliases('mobilenet-v3-large')).toEqual(expect.arrayContaining(large))
    expect(aliases('mobilenet-v3-large').at(-1)).toBe('blocks.5.2.conv_pwl.weight')
    expect(aliases('mobilenet-v3-small').at(-1)).toBe('blocks.4.2.conv_pwl.weight')
    expect(aliases('efficientnet-lite2').at(-1)).toBe('blocks.5.4.bn3.running_var')
  })

  it.each(counts)('%s has as many parameters as published', (name, count) => {
    const { parameters } = encoderSpec(name)
    const learnt = parameters.filter((p) => !p.key.includes('running_'))
    expect(learnt.reduce((n, p) => n + sizeOf(p.shape), 0)).toBe(count)
  })

  it.each(['resnet34', 'efficientnet-lite1', 'efficientnet-lite2', 'mobilenet-v3-small'])(
    '%s gives the maps it announces, the finest one too',
    async (name) => {
      const spec = selectTaps(encoderSpec(name), 4)
      expect(spec.taps.map((t) => t.stride)).toEqual([4, 8, 16, 32])
      const maps = await runEncoder(spec, goldenWeights(spec.parameters), goldenImage(spec))
      expect(maps.map((m) => m.shape)).toEqual(
        spec.taps.map((t) => [1, t.channels, 64 / t.stride, 64 / t.stride]),
      )
      for (const map of maps) expect(map.data.every(Number.isFinite)).toBe(true)
    },
    timeout,
  )
})
