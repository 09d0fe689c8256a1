import { writeOnnx, type Value } from '@cflow/graph'
import { openRuntime, type Tensors } from './index.node.js'

/** For tests: what graphs compute, as plain numbers. */

export type Results = Record<string, { readonly shape: readonly number[]; readonly data: number[] }>

/** Run a graph once on onnxruntime-node: the outputs' numbers, by name. */
export const run = (outputs: Record<string, Value>, feeds: Tensors = {}): Promise<Results> =>
  runBytes(writeOnnx(outputs), feeds)

/** Run a model file once on onnxruntime-node: the outputs' numbers, by name. */
export async function runBytes(model: Uint8Array, feeds: Tensors = {}): Promise<Results> {
  const session = await (await openRuntime({ threads: 1 })).createSession(model)
  const results = await session.run(feeds).finally(() => session.release())
  return Object.fromEntries(
    Object.entries(results).map(([name, { shape, data }]) => [
      name,
      { shape, data: Array.from<number | bigint, number>(data, Number) },
    ]),
  )
}
