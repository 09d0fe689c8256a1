import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { temporaryFolder } from '@cflow/base/testing'
import { readOnnx, type OperatorNode } from '@cflow/graph'

/** A model as ONNX Runtime runs it, after its optimisations. */
export async function optimised(model: Uint8Array): Promise<Uint8Array> {
  const path = join(await temporaryFolder('optimised'), 'optimised.onnx')
  const ort = createRequire(import.meta.url)(
    'onnxruntime-node',
  ) as typeof import('onnxruntime-node')
  const session = await ort.InferenceSession.create(model, {
    graphOptimizationLevel: 'extended',
    optimizedModelFilePath: path,
    logSeverityLevel: 3,
  })
  await session.release()
  return readFile(path)
}

/** The operators of a model file. */
export function operatorsIn(bytes: Uint8Array): readonly OperatorNode[] {
  const nodes = new Set([...readOnnx(bytes).values.values()].map((v) => v.node))
  return [...nodes].flatMap((n) => (n.kind === 'operator' ? [n] : []))
}
