// npm run profile [-- train --depth D --mini-batch N | detect --model FILE] [--by node] [--rounds R] [--threads T]: where the time
// of a training step, or of a detector, goes, operator by operator, as ONNX Runtime measures it.
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import * as ort from 'onnxruntime-node'
import { Random, floats } from '../packages/base/src/index.js'
import {
  adamFeeds,
  flatten,
  initialiseFlow,
  splitState,
  stepNames,
  stepState,
  trainingStep,
  type FlowConfig,
} from '../packages/core/src/index.js'

interface Event {
  readonly cat: string
  readonly name: string
  /** Microseconds. */
  readonly dur: number
  readonly args?: Readonly<Record<string, string>>
}

/** Time of one kind of operator, or of one node. */
interface Share {
  readonly name: string
  readonly calls: number
  readonly milliseconds: number
}

/**
 * Run a model with ONNX Runtime's profiler.
 * @returns time of every operator in a round, the longest first, without the first round, which allocates
 */
async function profile(
  model: Uint8Array,
  feeds: Readonly<Record<string, ort.Tensor>>,
  options: { readonly rounds: number; readonly threads: number; readonly by: 'operator' | 'node' },
): Promise<readonly Share[]> {
  const folder = await mkdtemp(join(tmpdir(), 'cflow-profile-'))
  try {
    const session = await ort.InferenceSession.create(model, {
      enableProfiling: true,
      profileFilePrefix: join(folder, 'run'),
      graphOptimizationLevel: 'all',
      intraOpNumThreads: options.threads,
      interOpNumThreads: 1,
    })
    for (let round = 0; round <= options.rounds; round++) await session.run({ ...feeds })
    session.endProfiling()
    await session.release()
    const [file] = await readdir(folder)
    if (!file) throw new Error('ONNX Runtime wrote no profile')
    const events = JSON.parse(await readFile(join(folder, file), 'utf8')) as readonly Event[]
    return shares(events, options)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function shares(
  events: readonly Event[],
  { rounds, by }: { readonly rounds: number; readonly by: 'operator' | 'node' },
): readonly Share[] {
  const kernels = events.filter((e) => e.cat === 'Node' && e.name.endsWith('_kernel_time'))
  // what a Scan takes is what its nodes take
  const inner = kernels.filter((e) => e.args?.['op_name'] !== 'Scan')
  const seen = new Map<string, number>()
  const found = new Map<string, { calls: number; microseconds: number }>()
  for (const { name, dur, args } of inner) {
    const calls = (seen.get(name) ?? 0) + 1
    seen.set(name, calls)
    // the first run of a node
    if (calls === 1) continue
    const key = by === 'node' ? name.replace('_kernel_time', '') : (args?.['op_name'] ?? name)
    const known = found.get(key) ?? { calls: 0, microseconds: 0 }
    found.set(key, { calls: known.calls + 1, microseconds: known.microseconds + dur })
  }
  return [...found]
    .map(([name, { calls, microseconds }]) => ({
      name,
      calls: calls / rounds,
      milliseconds: microseconds / 1000 / rounds,
    }))
    .sort((a, b) => b.milliseconds - a.milliseconds)
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    help: { type: 'boolean', default: false },
    depth: { type: 'string', default: '128' },
    'mini-batch': { type: 'string', default: '512' },
    'coupling-layers': { type: 'string', default: '4' },
    rounds: { type: 'string', default: '20' },
    threads: { type: 'string', default: '1' },
    by: { type: 'string', default: 'operator' },
    model: { type: 'string' },
    'image-size': { type: 'string', default: '512' },
  },
})
const [what = 'train'] = positionals
if (values.help) {
  console.log(`npm run profile -- train [--depth 128] [--mini-batch 512] [--coupling-layers 4]
npm run profile -- detect --model FILE [--image-size 512]
both: [--by operator|node] [--rounds 20] [--threads 1]`)
  process.exit(0)
}
const number = (
  key: 'depth' | 'mini-batch' | 'coupling-layers' | 'rounds' | 'threads' | 'image-size',
) => {
  const value = Number(values[key])
  if (!(Number.isInteger(value) && value > 0)) throw new Error(`--${key} is a positive integer`)
  return value
}
const { by } = values
if (by !== 'operator' && by !== 'node') throw new Error('--by is operator or node')
const options = { rounds: number('rounds'), threads: number('threads'), by } as const

const tensorOf = (dtype: ort.Tensor.Type, data: ort.Tensor.DataType, shape: readonly number[]) =>
  new ort.Tensor(dtype, data, shape)

/** One optimisation step of a flow: loss, gradients and Adam. */
function trainStep(): readonly [Uint8Array, Record<string, ort.Tensor>, string] {
  const [depth, rows] = [number('depth'), number('mini-batch')]
  const config: FlowConfig = {
    ...{ depth, condition: 128, couplingLayers: number('coupling-layers') },
    ...{ permutation: 'alternate', clamp: 'paper' },
  }
  const random = Random.seeded(0, 'profile')
  const initial = initialiseFlow(config, random, 'random')
  const model = trainingStep(config, initial, { rows, positions: rows, loss: 'nll' })
  const theta = flatten(config, initial).data as Float32Array
  const zeros = new Float32Array(theta.length)
  const state = splitState(stepState(config), { theta, m: zeros, v: zeros })
  const normal = (columns: number) =>
    floats('float32', [rows, columns], Float32Array.from({ length: rows * columns }, () => random.normal())) // prettier-ignore
  const { rate, epsilon } = adamFeeds(1e-2, 1)
  const feeds = {
    ...state,
    [stepNames.features]: normal(depth),
    [stepNames.condition]: normal(config.condition),
    [stepNames.rate]: floats('float32', [], [rate]),
    [stepNames.epsilon]: floats('float32', [], [epsilon]),
  }
  const tensors = Object.entries(feeds).map(([name, { dtype, data, shape }]) => [
    name,
    tensorOf(dtype as ort.Tensor.Type, data as ort.Tensor.DataType, shape),
  ])
  const title = `a training step: depth ${depth}, mini-batch ${rows}, ${config.couplingLayers} coupling layers`
  return [model, Object.fromEntries(tensors) as Record<string, ort.Tensor>, title]
}

/** A detector file on one image of noise. */
async function detection(): Promise<readonly [Uint8Array, Record<string, ort.Tensor>, string]> {
  if (!values.model) throw new Error('detect needs --model FILE')
  const size = number('image-size')
  const random = Random.seeded(0, 'profile')
  const pixels = Uint8Array.from({ length: size * size * 3 }, () => random.integer(256))
  const image = tensorOf('uint8', pixels, [1, size, size, 3])
  return [await readFile(values.model), { image }, `${values.model}: an image of ${size} × ${size}`]
}

if (what !== 'train' && what !== 'detect') throw new Error('what is profiled is train or detect')
const [model, feeds, title] = what === 'train' ? trainStep() : await detection()
const rows = await profile(model, feeds, options)
const total = rows.reduce((sum, { milliseconds }) => sum + milliseconds, 0)
console.log(`${title}, ${options.threads} thread${options.threads === 1 ? '' : 's'}: ${total.toFixed(2)} ms in operators, mean of ${options.rounds} runs\n`) // prettier-ignore
console.log(`| ${options.by} | calls | ms | share |`)
console.log('| --- | ---: | ---: | ---: |')
for (const { name, calls, milliseconds } of rows.slice(0, 40))
  console.log(
    `| ${name} | ${calls.toFixed(0)} | ${milliseconds.toFixed(3)} | ${((100 * milliseconds) / total).toFixed(1)} % |`,
  )
