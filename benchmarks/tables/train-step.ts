import { Random } from '../../packages/base/src/index.js'
import { initialiseFlow, type FlowConfig } from '../../packages/core/src/index.js'
import { flowTrainer } from '../../packages/methods/src/cflow/flow-trainer.js'
import { samplings, type Selection } from '../../packages/methods/src/training/sampling.js'
import type { Trainer } from '../../packages/methods/src/training/trainer.js'
import { openRuntime, type Runtime } from '../../packages/runtimes/src/index.node.js'
import { interleaved, measured, type Measured, type Side } from '../measure.js'
import type { BenchOptions } from '../options.js'
import { startPeer } from '../peer.js'
import type { Table } from '../table.js'

const side = 32
const images = 16

interface Ours {
  readonly name: string
  readonly couplingLayers: number
  readonly permutation: FlowConfig['permutation']
  /** Mini-batches of the default recipe (images share positions), else of the authors' (all vectors permuted). */
  readonly grouped: boolean
}

const variants: readonly Ours[] = [
  { name: 'eight soft', couplingLayers: 8, permutation: 'soft', grouped: false },
  { name: 'eight alternating', couplingLayers: 8, permutation: 'alternate', grouped: false },
  { name: 'default recipe', couplingLayers: 4, permutation: 'alternate', grouped: true },
]

async function training(
  runtime: Runtime,
  { couplingLayers, permutation, grouped }: Ours,
  depth: number,
  miniBatch: number,
): Promise<{ readonly trainer: Trainer; readonly steps: number; run(): Promise<unknown> }> {
  const tap = { name: '', channels: depth, stride: 8, height: side, width: side }
  const config: FlowConfig = {
    depth,
    condition: 128,
    couplingLayers,
    permutation,
    clamp: 'paper',
  }
  const sampling = grouped ? samplings.grouped : samplings.permuted
  const shape = sampling.shape(side * side, miniBatch, images)
  const random = Random.seeded(0, 'bench')
  // a rotation of 1,024 dimensions takes long to draw, and its numbers do not matter here
  const drawn = permutation === 'soft' ? 'hard' : permutation
  const parameters = initialiseFlow({ ...config, permutation: drawn }, random, 'random')
  const flow = { config, parameters }
  const trainer = await flowTrainer(runtime, tap, flow, shape, sampling, 'logsigmoid')
  const chunk = Array.from({ length: images }, () =>
    Float32Array.from({ length: side * side * depth }, () => random.normal()),
  )
  const selections: Selection[] = [...trainer.select(images, random)]
  let turn = 0
  const next = () => selections[turn++ % selections.length] as Selection
  const step = (steps: number) => {
    const rates = Array.from({ length: steps }, () => 2e-4)
    return trainer.step(chunk, rates.map(next), rates)
  }
  // how many steps a run takes is known from the second one
  for (let i = 0; i < 2; i++) await step(1)
  const steps = trainer.maxSteps
  return { trainer, steps, run: () => step(steps) }
}

/** Vectors a second of one optimisation step, against the authors' flow in PyTorch. */
export async function trainStep(options: BenchOptions): Promise<Table> {
  const { threads, seconds } = options
  const runtime = await openRuntime({ threads })
  const peer = options.peers ? startPeer('train_step.py') : undefined
  const rows: (string | number | undefined)[][] = []
  for (const depth of options.depths)
    for (const miniBatch of options.miniBatches) {
      const open = []
      for (const variant of variants)
        open.push({ variant, ...(await training(runtime, variant, depth, miniBatch)) })
      const sides: Side[] = open.map(({ variant, trainer, steps, run }) => ({
        name: variant.name,
        async measure() {
          // a run may be several steps; the default recipe may round a mini-batch down to whole groups
          const m = await measured(run, seconds)
          const share = miniBatch / trainer.model.shape.rows / steps
          return { wall: m.wall * share, cpu: m.cpu * share }
        },
      }))
      if (peer)
        sides.push({
          name: 'FrEIA',
          measure: () => peer.ask<Measured>({ depth, miniBatch, seconds, threads }),
        })
      const results = await interleaved(sides, options.rounds, peer !== undefined)
      for (const { trainer } of open) await trainer.release()
      for (const r of results)
        rows.push(
          [
            depth,
            miniBatch,
            r.name,
            miniBatch / r.wall,
            miniBatch / r.cpu,
            r.ratio,
            r.cpuRatio,
          ].map((c, i) => (i === 0 || i === 1 ? String(c) : c)),
        )
      console.error(markdownLine(rows.slice(-results.length)))
    }
  peer?.stop()
  return {
    title: 'Training step, vectors/s',
    columns: [
      'depth',
      'mini-batch',
      'flow',
      'vectors/s',
      'vectors/s of processor time',
      '× FrEIA',
      '× FrEIA, processor time',
    ],
    rows,
    note: 'FrEIA: the authors’ flow in PyTorch, eight couplings, soft rotations. “eight soft” is the same mathematics; “default recipe” has four alternating couplings and mini-batches in which images share positions.',
  }
}

const markdownLine = (rows: readonly (readonly unknown[])[]) =>
  rows
    .map((r) => r.map((c) => (typeof c === 'number' ? c.toPrecision(3) : c)).join('  '))
    .join('\n')
