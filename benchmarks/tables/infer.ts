import { Random, tensor } from '../../packages/base/src/index.js'
import {
  conditionSize,
  initialiseFlow,
  imageInput,
  encode,
  likelihoodMap,
} from '../../packages/core/src/index.js'
import type { ScaleFlow } from '../../packages/core/src/index.js'
import { encoderSpec } from '../../packages/encoders/src/index.js'
import { writeOnnx } from '../../packages/graph/src/index.js'
import { nodeRuntime } from '../../packages/runtimes/src/node.js'
import { encoderModel } from '../../packages/trainer/src/encoding.js'
import { interleaved, measured } from '../measure.js'
import type { Measured, Side } from '../measure.js'
import type { BenchOptions } from '../options.js'
import { startPeer } from '../peer.js'
import { randomWeights } from '../random-weights.js'
import type { Table } from '../table.js'

const size = 256

/** Seconds an image of our detectors: image to likelihood maps, everything in one graph. */
async function ours(
  encoder: string,
  couplingLayers: number,
  permutation: 'soft' | 'alternate',
  threads: number,
) {
  const random = Random.seeded(0, encoder)
  const spec = encoderSpec(encoder)
  const model = encoderModel(spec, randomWeights(spec, random), 3, size)
  const maps = encode(imageInput(), model.encoder, size)
  const flows = model.scales.map(({ depth }): ScaleFlow => {
    const config = {
      depth,
      condition: conditionSize,
      couplingLayers,
      permutation,
      clamp: 'paper',
    } as const
    // hard matrices are drawn at once; a rotation of 2,048 dimensions takes minutes
    const drawn = permutation === 'soft' ? ('hard' as const) : permutation
    return {
      config,
      parameters: initialiseFlow({ ...config, permutation: drawn }, random, 'random'),
    }
  })
  const outputs = flows.map(
    (flow, k) =>
      [`l${k}`, likelihoodMap(maps[k] as (typeof maps)[number], flow, `flow${k}`)] as const,
  )
  const runtime = await nodeRuntime({ threads })
  const session = await runtime.createSession(writeOnnx(Object.fromEntries(outputs)))
  const image = tensor('uint8', [1, size, size, 3], new Uint8Array(size * size * 3).fill(90))
  return { step: () => session.run({ image }), release: () => session.release() }
}

/** Images a second, one at a time, against anomalib's CFLOW with the same encoder. */
export async function infer(options: BenchOptions): Promise<Table> {
  const { threads, seconds } = options
  const peer = options.peers ? startPeer('infer.py') : undefined
  const rows: (string | number | undefined)[][] = []
  const encoders = options.quick
    ? [['resnet18', 'resnet18']]
    : [
        ['resnet18', 'resnet18'],
        ['wide-resnet50-2', 'wide_resnet50_2'],
      ]
  for (const [encoder, backbone] of encoders as [string, string][]) {
    const four = await ours(encoder, 4, 'alternate', threads)
    const eight = await ours(encoder, 8, 'soft', threads)
    const ask = (engine: string, precision?: string) => () =>
      (peer as NonNullable<typeof peer>).ask<Measured>({
        backbone,
        engine,
        precision,
        size,
        seconds,
        threads,
      })
    const sides: Side[] = [
      { name: 'default recipe, float32', measure: () => measured(four.step, seconds) },
      { name: 'eight soft, float32', measure: () => measured(eight.step, seconds) },
      ...(peer
        ? [
            { name: 'anomalib, OpenVINO, bfloat16', measure: ask('openvino', 'bf16') },
            { name: 'anomalib, OpenVINO, float32', measure: ask('openvino', 'f32') },
            { name: 'anomalib, PyTorch', measure: ask('torch') },
          ]
        : []),
    ]
    for (const r of await interleaved(sides, options.rounds, peer !== undefined))
      rows.push([encoder, r.name, 1 / r.wall, 1 / r.cpu, r.ratio, r.cpuRatio])
    await four.release()
    await eight.release()
  }
  peer?.stop()
  return {
    title: `Inference, images/s (${size} px, one image at a time)`,
    columns: [
      'encoder',
      'detector',
      'images/s',
      'images/s of processor time',
      '× PyTorch',
      '× PyTorch, processor time',
    ],
    rows,
    note: 'Random weights. Ours: from the 8-bit image to the likelihood maps; anomalib: from the normalised image to the anomaly map.',
  }
}
