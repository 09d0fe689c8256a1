import { Random, floats } from '@cflow/base'
import { constant, gemm, input, relu, writeOnnx, type Value } from '@cflow/graph'
import type { Runtime } from '@cflow/runtimes'

const [rows, columns, layers, runs] = [256, 256, 6, 8]

/** Milliseconds of some matrix products, of the size of a training's, by the median run. */
export async function speedOf(runtime: Runtime): Promise<number> {
  const random = Random.seeded(0, 'speed')
  const numbers = (n: number) => Float32Array.from({ length: n }, () => 0.1 * random.normal())
  const weights = () => constant(floats('float32', [columns, columns], numbers(columns ** 2)))
  let y: Value = input('x', 'float32', [rows, columns])
  for (let k = 0; k < layers; k++) y = relu(gemm(y, weights()))
  const session = await runtime.createSession(writeOnnx({ y }))
  const x = floats('float32', [rows, columns], numbers(rows * columns))
  const times: number[] = []
  for (let run = 0; run < runs; run++) {
    const began = performance.now()
    await session.run({ x })
    times.push(performance.now() - began)
  }
  await session.release()
  return times.sort((a, b) => a - b)[runs >> 1]!
}
