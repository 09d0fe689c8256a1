import { Random, floats, type Tensor } from '../../packages/base/src/index.js'
import {
  adamFeeds,
  flatten,
  initialiseFlow,
  lossAndGradient,
  splitState,
  stateNames,
  stepState,
  trainingStep,
  type FlowConfig,
} from '../../packages/core/src/index.js'
import { openRuntime as openInPages } from '../../packages/runtimes/src/index.browser.js'
import { openRuntime, type Runtime } from '../../packages/runtimes/src/index.node.js'
import { interleaved, measured, type Side } from '../measure.js'
import type { BenchOptions } from '../options.js'
import { jaxSteps } from '../peers/jax.js'
import type { Table } from '../table.js'

const config: FlowConfig = { depth: 40, condition: 128, couplingLayers: 4, permutation: 'alternate', clamp: 'paper' } // prettier-ignore
const [rows, positions] = [512, 64]

/** A step of the default recipe's flow on one thread of WebAssembly: what a page has where it is not isolated. */
export async function wasmStep(options: BenchOptions): Promise<Table> {
  const random = Random.seeded(0, 'bench')
  const initial = initialiseFlow(config, random, 'random')
  const drawn = (n: number, columns: number) =>
    floats('float32', [n, columns], Float32Array.from({ length: n * columns }, () => random.normal())) // prettier-ignore
  const fixed = { features: drawn(rows, config.depth), condition: drawn(positions, config.condition) } // prettier-ignore
  const loss = { rows, positions, loss: 'nll' } as const
  const ours = async (runtime: Runtime) => {
    const groups = stepState(config)
    const session = await runtime.createSession(trainingStep(config, initial, loss), { state: stateNames(groups) }) // prettier-ignore
    const theta = flatten(config, initial).data as Float32Array
    session.setState(splitState(groups, { theta: theta.slice(), m: theta.map(() => 0), v: theta.map(() => 0) })) // prettier-ignore
    return async (rate: number, epsilon: number) => {
      const scalar = (v: number) => floats('float32', [], [v])
      const got = await session.run({ ...fixed, rate: scalar(rate), epsilon: scalar(epsilon) })
      return Number(got['loss']!.data[0])
    }
  }
  const theta = flatten(config, initial) as Tensor
  const [onnxruntime, tensorflow] = [
    await ours(await openInPages({ device: 'wasm' })),
    await ours(await openRuntime({ device: 'tfjs:wasm' })),
  ]
  // onnxruntime-web leaves Node's workers behind under this name, and jax-js would take them for a browser's
  Reflect.deleteProperty(globalThis, 'Worker')
  const steppers: Readonly<Record<string, (rate: number, epsilon: number) => Promise<number>>> = {
    'onnxruntime-web': onnxruntime,
    'TensorFlow.js': tensorflow,
    ...(options.peers && {
      'jax-js': (await jaxSteps(lossAndGradient(config, initial, loss).loss, theta, fixed)).step,
    }),
  }
  const firsts: number[] = []
  const sides: Side[] = []
  for (const [name, step] of Object.entries(steppers)) {
    let t = 0
    const next = () => {
      const { rate, epsilon } = adamFeeds(1e-4, ++t)
      return step(rate, epsilon)
    }
    // all sides compute the same, or their speed means nothing
    let third = NaN
    for (let i = 0; i < 3; i++) third = await next()
    firsts.push(third)
    if (Math.abs(third - firsts[0]!) > 1e-3 * Math.abs(firsts[0]!))
      throw new Error(`${name} has the loss ${third} where it is ${firsts[0]}`)
    sides.push({ name, measure: () => measured(next, options.seconds) })
  }
  const results = await interleaved(sides, options.rounds, options.peers)
  return {
    title: 'Training step on one thread of WebAssembly, vectors/s',
    columns: ['runtime', 'vectors/s', 'vectors/s of processor time', '× jax-js', '× jax-js, processor time'], // prettier-ignore
    rows: results.map((r) => [r.name, rows / r.wall, rows / r.cpu, r.ratio, r.cpuRatio]),
    note: `The flow of the default recipe at depth ${config.depth}, mini-batches of ${rows}, in Node. jax-js computes the same loss with its own derivative and compiler; the third step's loss is the same on all.`,
  }
}
