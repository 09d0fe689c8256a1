import { readDetector } from '@cflow/detector'
import { physicalCores } from '@cflow/runtimes/node'
import * as z from 'zod'
import { benchmark, type Benchmark } from '../benchmark/measure.js'
import { defineCommand } from '../command.js'
import { listing, megabytes, printJson } from '../io.js'
import { findImages } from '../predict/paths.js'
import { runtimeOf } from '../settings/machine.js'
import { dir, machineShape, outputShape, text } from '../settings/schema.js'
import { grouped } from '../settings/settings.js'

/** More images than this in one run of a detector are no use, and may not fit into memory. */
const largestBatch = 1024

const schema = z.object({
  ...grouped('measurement', {
    images: text('images to measure with', { ...dir, otherwise: 'one of noise' }),
    batch: z
      .array(z.int().min(1).max(largestBatch))
      .default([1, 4, 16])
      .meta({
        help: 'batch sizes',
        placeholder: 'SIZES',
        error: `is a list of numbers from 1 to ${largestBatch}, such as 1,4,16`,
      }),
    repeats: z.int().min(1).max(100_000).default(30).meta({ help: 'runs of each measurement' }),
  }),
  ...machineShape,
  ...outputShape,
})

/** `cflow benchmark`: what a detector file costs on this machine. */
export const command = defineCommand({
  arguments: { model: 'detector file (model.onnx)' },
  settings: schema,
  async run(session, settings, path: string) {
    const { model, manifest } = await readDetector(path)
    const targets = settings.images === undefined ? [] : await findImages([settings.images])
    const runtime = await runtimeOf(settings)
    const { batch: batches, repeats, threads = physicalCores() } = settings
    const { signal } = session.io
    const paths = targets.map((t) => t.path)
    const result = await benchmark({ model, manifest, runtime, paths, batches, repeats, signal })
    const { encoder, inputSize, precision = 'float32' } = manifest
    if (session.json)
      return printJson(session, {
        ...{ file: path, bytes: model.length, encoder: encoder.name, inputSize, precision },
        ...{ runtime: runtime.name, threads, repeats },
        ...result,
      })
    const size = megabytes(model.length)
    const rows: [string, string][] = [
      ['detector', `${path}: ${encoder.name}, ${inputSize} pixels, ${precision}, ${size}`],
      ['runtime', `${runtime.name}, ${threads} thread${threads === 1 ? '' : 's'}`],
    ]
    session.io.out(listing([...rows, ...measured(result)], 14))
  },
})

function measured({ latency, load, peakMemoryBytes, batches, stages }: Benchmark) {
  const ms = (n: number) => `${n.toFixed(1)} ms`
  const [one, most] = [peakMemoryBytes.one, peakMemoryBytes.largestBatch].map(megabytes)
  const total = stages.reduce((s, { milliseconds }) => s + milliseconds, 0)
  const rows: [string, string][] = [
    ['load', ms(load)],
    ['latency', `p50 ${ms(latency.p50)}  p90 ${ms(latency.p90)}  p99 ${ms(latency.p99)}`],
    ['memory', `${one}, with the largest batch ${most}`],
  ]
  for (const { size, imagesPerSecond, milliseconds } of batches)
    rows.push([`batch ${size}`, `${imagesPerSecond.toFixed(1)} images/s (${ms(milliseconds)})`])
  for (const { name, milliseconds } of stages)
    rows.push([name, `${ms(milliseconds)} (${((100 * milliseconds) / total).toFixed(0)} %)`])
  return rows
}
