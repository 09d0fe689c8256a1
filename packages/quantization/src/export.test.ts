import { parseManifest } from '@cflow/core'
import { readOnnx } from '@cflow/graph'
import { openRuntime, type Runtime } from '@cflow/runtimes'
import { beforeAll, describe, expect, it } from 'vitest'
import { toyDetector, toyManifest } from '@cflow/core/testing'
import { mapsOf, scoresOf, toyImages } from '../test/images.js'
import { operatorsIn, optimised } from '../test/optimised.js'
import { deviation } from './images.js'
import { exportHalf, exportInt8 } from './index.js'
import { layersOf } from './layers.js'

let runtime: Runtime
beforeAll(async () => {
  runtime = await openRuntime({ threads: 1 })
})
const images = toyImages(12)
const float = toyDetector()
const encoderLayers = ['block.conv1', 'block.conv2', 'down.conv_dw', 'down.conv_pw', 'stem']

const typesIn = (bytes: Uint8Array) => operatorsIn(bytes).map((n) => n.operator.type)

describe('layers', () => {
  it('are called as their weights', () => {
    const names = layersOf(readOnnx(float)).map((l) => l.name)
    expect(names.filter((n) => !n.startsWith('flow')).sort()).toEqual(encoderLayers)
    expect(names.filter((n) => n.startsWith('flow1'))).toEqual([
      'flow1.whitening',
      'flow1.block0.subnet.0',
      'flow1.block0.subnet.2',
      'flow1.block1.subnet.0',
      'flow1.block1.subnet.2',
    ])
  })
})

describe('float16', () => {
  it('stores large weights as halves and computes the same', async () => {
    const { model, manifest } = exportHalf(float)
    const large = [...readOnnx(float).values.values()].flatMap(({ node }) =>
      node.kind === 'constant' && node.tensor.data.length >= 256 ? [node.tensor.data.length] : [],
    )
    const saved = 2 * large.reduce((a, b) => a + b, 0)
    // a Cast behind each takes some bytes
    expect(float.length - model.length).toBeGreaterThan(saved - 150 * large.length)
    expect(parseManifest(readOnnx(model).metadata)).toEqual({
      ...toyManifest,
      precision: 'float16',
    })
    expect(manifest.precision).toBe('float16')
    const [a, b] = [await mapsOf(runtime, float, images), await mapsOf(runtime, model, images)]
    expect(deviation(a, b)).toBeLessThan(2e-3)
    expect(() => exportHalf(model)).toThrow(/float16 already/)
  })
})

describe('int8', () => {
  it('keeps the order of the images, says so, and maps the thresholds', async () => {
    const result = await exportInt8(float, { runtime, images })
    expect(result.verdict.passed).toBe(true)
    expect(result.fellBack).toEqual([])
    expect(result.kept).toEqual(['stem', 'flow0.whitening', 'flow1.whitening'])
    const manifest = parseManifest(readOnnx(result.model).metadata)
    expect(manifest).toEqual(result.manifest)
    expect(manifest).toMatchObject({ precision: 'int8', keptInFloat: result.kept })
    // other images than those it was calibrated on: nothing is guaranteed any more
    expect(manifest.calibration.guaranteed).toBe(false)
    expect(manifest.calibration.scores).toHaveLength(39)
    const [a, b] = [
      await mapsOf(runtime, float, images),
      await mapsOf(runtime, result.model, images),
    ]
    expect(deviation(a, b)).toBeLessThan(0.1)
  })

  it('takes the new scores of the images that the detector was calibrated on', async () => {
    const scores = await scoresOf(runtime, float, images)
    const calibration = { ...toyManifest.calibration, scores: [...scores].sort((a, b) => a - b) }
    const own = toyDetector({ calibration })
    const { model, manifest } = await exportInt8(own, { runtime, images })
    const after = await scoresOf(runtime, model, images)
    expect(manifest.calibration.guaranteed).toBe(true)
    expect(manifest.calibration.scores).toEqual([...after].sort((a, b) => a - b))
  })

  it('ONNX Runtime fuses every quantised layer into an integer kernel', async () => {
    const { model } = await exportInt8(float, { runtime, images })
    expect(typesIn(model)).toEqual(expect.arrayContaining(['QuantizeLinear', 'DequantizeLinear']))
    const types = typesIn(await optimised(model))
    const count = (type: string) => types.filter((t) => t === type).length
    // bytes are made behind the pool, which reads floats
    const pools = operatorsIn(model).filter((n) => n.operator.type === 'MaxPool')
    expect(pools.map((n) => n.inputs[0]?.dtype)).toEqual(['float32'])
    // all convolutions but the first; two products of two blocks in two flows
    expect([count('QLinearConv'), count('QGemm')]).toEqual([4, 8])
    expect(types.filter((t) => /Conv$/.test(t) && t !== 'QLinearConv')).toHaveLength(1)
  })

  it('keeps layers in float by name or pattern, and lists the names for one that does not exist', async () => {
    const { kept } = await exportInt8(float, {
      runtime,
      images,
      keepFloat: ['down.conv_dw', 'flow1*'],
    })
    expect(kept.filter((n) => !/whitening|stem/.test(n))).toEqual([
      'down.conv_dw',
      ...['0.subnet.0', '0.subnet.2', '1.subnet.0', '1.subnet.2'].map((n) => `flow1.block${n}`),
    ])
    await expect(
      exportInt8(float, { runtime, images, keepFloat: ['nothing'] }),
    ).rejects.toMatchObject({
      code: 'NOT_FOUND',
      subject: 'nothing',
      hint: expect.stringContaining('block.conv1') as string,
    })
  })

  it('refuses ranges that are far too small, naming the layers to blame', async () => {
    const broken = { runtime, images, margin: 0.02, fallback: false, keepFloat: ['flow1*'] }
    await expect(exportInt8(float, broken)).rejects.toMatchObject({
      code: 'ACCURACY',
      message: expect.stringMatching(/rank correlation of 12 scores/) as string,
      subject: expect.stringMatching(/(block|down|flow)\S* \([\d.e-]+\)/) as string,
      hint: expect.stringContaining('--keep-float') as string,
    })
  })

  it('falls back to float for the worst layers until the gate passes', async () => {
    let checks = 0
    const gate = () => Promise.resolve({ passed: ++checks >= 3, text: 'third time' })
    const open = { runtime, images, keepFloat: ['flow*'] }
    const { fellBack, kept, manifest } = await exportInt8(float, { ...open, gate })
    expect(fellBack).toHaveLength(2)
    expect(fellBack[0]!.deviation).toBeGreaterThanOrEqual(fellBack[1]!.deviation)
    expect(kept).toEqual(expect.arrayContaining(fellBack.map((e) => e.layer)))
    expect(manifest.keptInFloat).toEqual(kept)
    const never = () => Promise.resolve({ passed: false, text: 'never' })
    await expect(exportInt8(float, { ...open, gate: never })).rejects.toThrow(/never/)
  })

  it('needs some images', async () => {
    await expect(exportInt8(float, { runtime, images: toyImages(3) })).rejects.toMatchObject({
      code: 'TOO_FEW_IMAGES',
    })
  })
})
