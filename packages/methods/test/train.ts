import type { ParameterShapes, Values } from '@cflow/core'
import type { Value } from '@cflow/graph'
import { openRuntime } from '@cflow/runtimes'
import { samplings } from '../src/training/sampling.js'
import { lossTrainer } from '../src/training/trainer.js'

/** Take a step with each batch of rows [rows, depth]. @returns the losses and the parameters at the end */
export async function train(
  model: {
    readonly shapes: ParameterShapes
    readonly start: Float32Array
    readonly depth: number
    loss(rows: Value, values: Values): Value
  },
  batches: readonly Float32Array[],
  learningRate: number,
): Promise<{ readonly losses: readonly number[]; readonly parameters: Float32Array }> {
  const { shapes, start, depth } = model
  const rows = batches[0]!.length / depth
  const runtime = await openRuntime({ threads: 1 })
  const shape = { rows, positions: rows }
  const vectors = { depth, area: rows, shape, sampling: samplings.permuted }
  const trained = await lossTrainer(runtime, vectors, shapes, start, (x, values) => model.loss(x, values)) // prettier-ignore
  const all = { image: new Int32Array(rows), position: Int32Array.from({ length: rows }, (_, i) => i) } // prettier-ignore
  const losses: number[] = []
  for (const batch of batches) losses.push(...(await trained.step([batch], [all], [learningRate])))
  const { theta } = await trained.state()
  await trained.release()
  return { losses, parameters: theta.data }
}
