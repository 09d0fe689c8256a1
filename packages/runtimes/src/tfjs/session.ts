import { CflowError, messageOf, sizeOf, type Tensor as OurTensor } from '@cflow/base'
import { readOnnx } from '@cflow/graph'
import type { Session, SessionOptions, Tensors } from '../runtime.js'
import { held, hold, tensorOf, typeIn, type Engine, type Held, type Tensor } from './held.js'
import { planOf, type Plan } from './plan.js'
import { onBackend } from './turns.js'

/** What one run carries to the next: a variable of TensorFlow.js. */
interface Carried {
  readonly dtype: OurTensor['dtype']
  readonly variable: Tensor & { assign(value: Tensor): void }
}

const misfit = (message: string, subject: string): CflowError =>
  new CflowError('SHAPE', message, { subject })

export async function sessionOn(
  engine: Engine,
  bytes: Uint8Array,
  state: SessionOptions['state'] = {},
): Promise<Session> {
  const { tf } = engine
  const model = readOnnx(bytes)
  for (const [output, input] of Object.entries(state))
    if (!Object.hasOwn(model.outputs, output) || !Object.hasOwn(model.inputs, input))
      throw new CflowError('SHAPE', `state ${output} → ${input} is not in the graph`)
  const carriedOutputs = Object.keys(state)
  const carriedInputs = Object.values(state)
  const inputs = Object.keys(model.inputs).filter((n) => !carriedInputs.includes(n))
  const outputs = Object.keys(model.outputs).filter((n) => !carriedOutputs.includes(n))
  for (const name of [...inputs, ...outputs])
    if (/^float(16|64)$/.test((model.inputs[name] ?? model.outputs[name]!).dtype))
      throw new CflowError('MODEL', `TensorFlow.js gives and takes no ${(model.inputs[name] ?? model.outputs[name]!).dtype}: ${name}`, { subject: name }) // prettier-ignore
  const whole = await onBackend(engine, () => planOf(engine, model))
  const plans = new Map<string, Plan>()
  const current = new Map<string, Carried>()

  const fed = (name: string, t: OurTensor | undefined): Held => {
    if (!t) throw misfit(`input ${name} is not fed`, name)
    if (t.data.length !== sizeOf(t.shape))
      throw misfit(`input ${name} has another number of elements than its shape`, name)
    const { dtype, shape } = model.inputs[name]!
    const sizes = t.shape.join(', ')
    const fits = t.dtype === dtype && t.shape.length === shape.length && shape.every((d, i) => typeof d !== 'number' || d === t.shape[i]) // prettier-ignore
    if (fits) return held(engine, t)
    throw new CflowError('RUNTIME', `input ${name} is ${dtype} [${shape.map((d) => d ?? '?').join(', ')}], and ${t.dtype} [${sizes}] was fed`, { subject: name }) // prettier-ignore
  }

  const execute = async (feeds: Tensors, wanted: readonly string[]): Promise<Tensors> => {
    const unset = carriedInputs.find((name) => !current.has(name))
    const values = new Map<string, Held>()
    try {
      for (const name of inputs) values.set(name, fed(name, feeds[name]))
      if (unset !== undefined) throw misfit(`state ${unset} was never set`, unset)
      for (const [name, { dtype, variable }] of current)
        values.set(name, hold(engine, dtype, variable.shape, { lent: variable }))
      const key = JSON.stringify(wanted)
      const plan = plans.get(key) ?? whole.of([...wanted, ...carriedOutputs])
      plans.set(key, plan)
      const results = await plan.run(values)
      try {
        const given = await Promise.all(wanted.map((_, i) => tensorOf(results[i]!)))
        carriedOutputs.forEach((output, i) => {
          const next = results[wanted.length + i]!
          current.get(state[output]!)!.variable.assign(next.plain())
        })
        return Object.fromEntries(wanted.map((name, i) => [name, given[i]!]))
      } finally {
        for (const value of results) value.free()
      }
    } catch (error) {
      if (error instanceof CflowError) throw error
      throw new CflowError('RUNTIME', `the model could not be run: ${messageOf(error)}`, { cause: error }) // prettier-ignore
    } finally {
      for (const value of values.values()) value.free()
    }
  }

  return {
    inputs,
    outputs,
    run(feeds, wanted = outputs) {
      const unknown = wanted.find((n) => !outputs.includes(n))
      if (unknown !== undefined)
        return Promise.reject(misfit(`the graph has no output ${unknown}`, unknown))
      return onBackend(engine, () => execute(feeds, wanted))
    },
    setState(values) {
      const unknown = Object.keys(values).find((name) => !carriedInputs.includes(name))
      if (unknown !== undefined) throw misfit(`the graph carries no state ${unknown}`, unknown)
      for (const { dtype } of Object.values(values)) typeIn(dtype)
      void onBackend(engine, () => {
        for (const [name, t] of Object.entries(values)) {
          current.get(name)?.variable.dispose()
          const value = held(engine, t)
          const variable = tf.variable(value.plain(), false)
          value.free()
          current.set(name, { dtype: t.dtype, variable: variable as Carried['variable'] })
        }
      })
    },
    getState: () =>
      onBackend(engine, async () => {
        const entries = [...current].map(async ([name, { dtype, variable }]) => {
          const value = hold(engine, dtype, variable.shape, { lent: variable })
          return [name, await tensorOf(value)] as const
        })
        return Object.fromEntries(await Promise.all(entries))
      }),
    release: () =>
      onBackend(engine, () => {
        for (const { variable } of current.values()) variable.dispose()
        current.clear()
        whole.release()
      }),
  }
}
