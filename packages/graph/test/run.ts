import { bytesPerElement, sizeOf, type Tensor } from '@cflow/base'
import * as ort from 'onnxruntime-node'
import { writeOnnx, type Value } from '../src/index.js'

// files of old operator sets are warned about
ort.env.logLevel = 'fatal'

/** Run a graph on ONNX Runtime: the outputs' numbers, by name. */
export async function run(
  outputs: Record<string, Value>,
  feeds: Record<string, Tensor> = {},
): Promise<Record<string, { shape: readonly number[]; data: number[] }>> {
  return runBytes(writeOnnx(outputs), feeds)
}

export async function runBytes(bytes: Uint8Array, feeds: Record<string, Tensor> = {}) {
  const session = await ort.InferenceSession.create(bytes, { logSeverityLevel: 4 })
  const inputs = Object.fromEntries(
    session.inputNames.map((name) => {
      const t = feeds[name]
      if (!t) throw new Error(`no feed for ${name}`)
      if (t.data.length !== sizeOf(t.shape) || !bytesPerElement[t.dtype]) throw new Error(name)
      return [name, new ort.Tensor(t.dtype as 'float32', t.data as Float32Array, t.shape)]
    }),
  )
  const results = await session.run(inputs, { logSeverityLevel: 4 })
  await session.release()
  return Object.fromEntries(
    Object.entries(results).map(([name, t]) => [
      name,
      { shape: t.dims, data: Array.from(t.data as Iterable<number | bigint>, Number) },
    ]),
  )
}
