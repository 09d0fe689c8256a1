import { imageTensor } from '../../packages/base/src/index.js'
import { detectorNames } from '../../packages/core/src/index.js'
import { openRuntime, type Runtime } from '../../packages/runtimes/src/index.node.js'
import { interleaved, measured, type Measured, type Side } from '../measure.js'
import type { BenchOptions } from '../options.js'
import { startPeer } from '../peer.js'
import { noiseImages, randomDetector, randomInt8 } from '../random-detector.js'
import { cellText, type Table } from '../table.js'

const size = 256

/** A detector file as a user runs it: 8-bit image in, anomaly map and score out. */
async function ours(runtime: Runtime, name: string, file: Uint8Array, seconds: number) {
  const session = await runtime.createSession(file)
  const feed = { [detectorNames.image]: imageTensor(...noiseImages(1, size)) }
  const step = () => session.run(feed, [detectorNames.anomalyMap, detectorNames.score])
  const side: Side = { name, measure: () => measured(step, seconds) }
  return { side, release: () => session.release() }
}

/** Images a second, one at a time, against anomalib's CFLOW with the same encoder. */
export async function infer(options: BenchOptions): Promise<Table> {
  const { threads, seconds } = options
  const runtime = await openRuntime({ threads })
  const peer = options.peers ? startPeer('infer.py') : undefined
  const rows: (string | number | undefined)[][] = []
  const encoders = options.quick
    ? [['resnet18', 'resnet18']]
    : [
        ['resnet18', 'resnet18'],
        ['wide-resnet50-2', 'wide_resnet50_2'],
      ]
  for (const [encoder, backbone] of encoders as [string, string][]) {
    // anomalib's encoders pad with zeros, and so do these, to be the same; the authors' reflect
    const float = randomDetector(encoder, 'whitened', 'zeros')
    const reflecting = randomDetector(encoder, 'whitened', 'reflect')
    const soft = randomDetector(encoder, 'paper', 'zeros')
    const open = [
      await ours(runtime, 'default recipe, int8', await randomInt8(float, runtime), seconds),
      await ours(runtime, 'default recipe, float32', float, seconds),
      await ours(runtime, 'the same, reflecting borders', reflecting, seconds),
      await ours(runtime, 'eight soft, float32', soft, seconds),
    ]
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
      ...open.map(({ side }) => side),
      ...(peer
        ? [
            { name: 'anomalib, OpenVINO, bfloat16', measure: ask('openvino', 'bf16') },
            { name: 'anomalib, OpenVINO, float32', measure: ask('openvino', 'f32') },
            { name: 'anomalib, PyTorch', measure: ask('torch') },
          ]
        : []),
    ]
    for (const r of await interleaved(sides, options.rounds, peer !== undefined)) {
      rows.push([encoder, r.name, 1 / r.wall, 1 / r.cpu, r.ratio, r.cpuRatio])
      console.error(rows.at(-1)?.map(cellText).join('  '))
    }
    for (const { release } of open) await release()
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
    note: 'Random weights. Ours: detector files, from the 8-bit image (which they resample) to the anomaly map and score, int8 as `cflow export` writes it; anomalib: from the normalised image to the anomaly map and score.',
  }
}
