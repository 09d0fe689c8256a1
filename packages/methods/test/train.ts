import type { Tensor } from '@cflow/base'
import { adamFeeds } from '@cflow/core'
import * as ort from 'onnxruntime-node'

/** Take steps with a training step file. @returns the losses and the parameters at the end */
export async function train(
  step: Uint8Array,
  start: Float32Array,
  batches: readonly Tensor<'float32'>[],
  learningRate: number,
): Promise<{ readonly losses: readonly number[]; readonly parameters: Float32Array }> {
  const session = await ort.InferenceSession.create(step, {
    logSeverityLevel: 3,
    intraOpNumThreads: 1,
  })
  const flat = (data: Float32Array) => new ort.Tensor('float32', data, [start.length])
  const zeros = () => flat(new Float32Array(start.length))
  let state: Record<string, ort.Tensor> = { theta: flat(start), m: zeros(), v: zeros() }
  const losses: number[] = []
  for (const [t, { data, shape }] of batches.entries()) {
    const { rate, epsilon } = adamFeeds(learningRate, t + 1)
    const scalar = (value: number) => new ort.Tensor('float32', [value], [])
    const got = await session.run({
      ...state,
      features: new ort.Tensor('float32', data, shape),
      rate: scalar(rate),
      epsilon: scalar(epsilon),
    })
    losses.push((got['loss'] as ort.Tensor).data[0] as number)
    const next = (name: string) => got[`${name}_next`] as ort.Tensor
    state = { theta: next('theta'), m: next('m'), v: next('v') }
  }
  await session.release()
  return { losses, parameters: (state['theta'] as ort.Tensor).data as Float32Array }
}
