import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { CflowError } from '@cflow/base'
import { input } from '@cflow/graph'
import { readSafetensors } from '@cflow/weights'
import { describe, expect, it } from 'vitest'
import { deviation, golden, goldenImage, runEncoder, type GoldenTap } from '../../test/golden.js'
import { embeddedWeightsUrl } from '../embedded.js'
import { convertWeights, encoderSpec, selectTaps } from '../index.js'

const spec = encoderSpec('efficientnet-lite0')
const file = readFileSync(embeddedWeightsUrl('efficientnet-lite0'))
const weights = readSafetensors(file).tensors
/** The file as published (not part of the repository); its conversion is checked where it is given. */
const published = process.env['EFFICIENTNET_LITE0_PTH'] ?? ''

describe('efficientnet-lite0', () => {
  it('publishes its taps', () => {
    expect(spec.taps).toEqual([
      { name: 'blocks.4', channels: 40, stride: 8 },
      { name: 'blocks.10', channels: 112, stride: 16 },
      { name: 'blocks.14', channels: 192, stride: 32 },
    ])
    expect([...weights.keys()].sort()).toEqual(spec.parameters.map((p) => p.key).sort())
  })

  it('agrees with the reference', async () => {
    const maps = await runEncoder(spec, weights, goldenImage(spec))
    const taps = golden.models['efficientnet_lite0']?.taps as Record<string, GoldenTap>
    spec.taps.forEach((tap, i) => {
      const worst = deviation(maps[i]!, taps[tap.name]!)
      expect(worst).toBeLessThan(1e-5)
    })
  })

  it('gives the same whatever the batch, and works on odd sizes', async () => {
    const { data } = goldenImage(spec)
    const two = new Float32Array(2 * data.length)
    two.set(data.map((x) => -x))
    two.set(data, data.length)
    const alone = await runEncoder(spec, weights, goldenImage(spec))
    const batch = await runEncoder(spec, weights, {
      dtype: 'float32',
      shape: [2, 3, 64, 64],
      data: two,
    })
    batch.forEach((map, i) => {
      const half = map.data.subarray(map.data.length / 2)
      half.forEach((x, j) => expect(x).toBeCloseTo(alone[i]!.data[j]!, 4))
    })
    const odd = spec.build(input('image', 'float32', ['n', 3, 75, 75]), weights)
    expect(odd.map((v) => v.shape)).toEqual([
      ['n', 40, 10, 10],
      ['n', 112, 5, 5],
      ['n', 192, 3, 3],
    ])
  })

  it('ships the published numbers bit for bit', () => {
    expect(createHash('sha256').update(file).digest('hex')).toBe(
      '81402101ff0533e9485c526915063c5a8a3a3aaf17f87eaa618179be37dafda6',
    )
  })

  it.skipIf(published === '')('repeats the conversion from the published file', () => {
    const bytes = convertWeights(spec, readFileSync(published), 'efficientnet-lite0-57934424.pth')
    expect(Buffer.compare(bytes, file)).toBe(0)
  })

  it('takes the last taps for fewer pool layers', () => {
    const image = input('image', 'float32', [1, 3, 64, 64])
    const two = selectTaps(spec, 2)
    expect(two.taps.map((t) => t.name)).toEqual(['blocks.10', 'blocks.14'])
    expect(two.build(image, weights).map((v) => v.shape[1])).toEqual([112, 192])
    expect(selectTaps(spec, 1).taps.map((t) => t.name)).toEqual(['blocks.14'])
    expect(selectTaps(spec, 3).taps).toEqual(spec.taps)
    const four = selectTaps(spec, 4)
    expect(four.taps.map((t) => t.stride)).toEqual([4, 8, 16, 32])
    expect(four.build(image, weights).map((v) => v.shape)).toEqual(
      four.taps.map((t) => [1, t.channels, 64 / t.stride, 64 / t.stride]),
    )
    expect(() => selectTaps(spec, 5 as 3)).toThrow(CflowError)
  })

  it("understands timm's names and a prefix", () => {
    const timm = new Map(
      spec.parameters.map((p) => [`module.${p.alias ?? p.key}`, weights.get(p.key)!]),
    )
    expect(timm.has('module.blocks.0.0.conv_dw.weight')).toBe(true)
    expect(timm.has('module.blocks.5.3.conv_pwl.weight')).toBe(true)
    expect(timm.has('module.blocks.5.3.bn3.running_var')).toBe(true)
    const bytes = convertWeights(spec, file, 'efficientnet-lite0-57934424.pth')
    expect(Buffer.compare(bytes, file)).toBe(0)
    expect(spec.build(input('image', 'float32', [1, 3, 64, 64]), timm)).toHaveLength(3)
  })

  it('names what is wrong with weights', () => {
    const image = input('image', 'float32', [1, 3, 64, 64])
    const missing = new Map(weights)
    missing.delete('_blocks.3._bn1.bias')
    expect(() => spec.build(image, missing)).toThrow(/missing _blocks\.3\._bn1\.bias/)
    const wrong = new Map(weights).set('_bn0.bias', {
      dtype: 'float32',
      shape: [1],
      data: new Float32Array(1),
    })
    expect(() => spec.build(image, wrong)).toThrow(/_bn0\.bias is \[1\] instead of \[32\]/)
    expect(() => spec.build(input('image', 'float32', [1, 3, 'h', 'w']), weights)).toThrow(
      CflowError,
    )
  })
})
