import { CflowError } from '@cflow/base'
import { readDetector } from '@cflow/detector'
import { openRuntime } from '@cflow/runtimes'
import { physicalCores } from '@cflow/runtimes/node'
import { benchmark } from '../benchmark/measure.js'
import type { Benchmark } from '../benchmark/measure.js'
import { printJson } from '../io.js'
import type { Session } from '../io.js'
import { findImages } from '../predict/paths.js'
import { deviceOptions } from '../settings/device.js'
import { resolveSettings } from '../settings/resolve.js'
import { benchmarkSchema } from '../settings/schema.js'

/** More images than this in one run of a detector are no use, and may not fit into memory. */
const largestBatch = 1024

/** `cflow benchmark`: what a detector file costs on this machine. */
export async function benchmarkModel(session: Session, path: string, flags: object): Promise<void> {
  const settings = await resolveSettings(session, flags, benchmarkSchema)
  const { model, manifest } = await readDetector(path)
  const batches = batchSizes(settings.batch ?? [1, 4, 16])
  const targets = settings.images === undefined ? [] : await findImages([settings.images])
  for (const target of targets) if ('error' in target) throw target.error
  const runtime = await openRuntime(deviceOptions(settings))
  const { repeats = 30, threads = physicalCores() } = settings
  const { signal } = session.io
  const paths = targets.map((t) => t.path)
  const result = await benchmark({ model, manifest, runtime, paths, batches, repeats, signal })
  const about = {
    file: path,
    bytes: model.length,
    encoder: manifest.encoder.name,
    inputSize: manifest.inputSize,
    precision: manifest.precision ?? 'float32',
    runtime: runtime.name,
    threads,
    repeats,
  }
  if (session.json) printJson(session, { ...about, ...result })
  else session.io.out(table(about, result))
}

function batchSizes(given: string | number | readonly number[]): readonly number[] {
  const sizes =
    typeof given === 'string' ? given.split(',').map(Number) : [given].flat().map(Number)
  if (sizes.every((n) => Number.isInteger(n) && n >= 1 && n <= largestBatch)) return sizes
  throw new CflowError('USAGE', `--batch is a list of numbers from 1 to ${largestBatch}, got '${String(given)}'`, { subject: '--batch', hint: 'such as --batch 1,4,16' }) // prettier-ignore
}

interface About {
  readonly file: string
  readonly bytes: number
  readonly encoder: string
  readonly inputSize: number
  readonly precision: string
  readonly runtime: string
  readonly threads: number
}

function table(about: About, result: Benchmark): string {
  const { latency, load, peakMemoryBytes, batches, stages } = result
  const ms = (n: number) => `${n.toFixed(1)} ms`
  const mb = (n: number) => `${(n / 1e6).toFixed(1)} MB`
  const total = stages.reduce((s, { milliseconds }) => s + milliseconds, 0)
  const rows: (readonly [string, string])[] = [
    ['detector', `${about.file}: ${about.encoder}, ${about.inputSize} pixels, ${about.precision}, ${mb(about.bytes)}`], // prettier-ignore
    ['runtime', `${about.runtime}, ${about.threads} thread${about.threads === 1 ? '' : 's'}`],
    ['load', ms(load)],
    ['latency', `p50 ${ms(latency.p50)}  p90 ${ms(latency.p90)}  p99 ${ms(latency.p99)}`],
    ['memory', `${mb(peakMemoryBytes.one)}, with the largest batch ${mb(peakMemoryBytes.largestBatch)}`], // prettier-ignore
    ...batches.map(
      (b) =>
        [`batch ${b.size}`, `${b.imagesPerSecond.toFixed(1)} images/s (${ms(b.milliseconds)})`] as const, // prettier-ignore
    ),
    ...stages.map(
      (s) =>
        [s.name, `${ms(s.milliseconds)} (${((100 * s.milliseconds) / total).toFixed(0)} %)`] as const, // prettier-ignore
    ),
  ]
  return rows.map(([name, text]) => `${name.padEnd(14)} ${text}\n`).join('')
}
