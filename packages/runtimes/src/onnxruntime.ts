import { CflowError, allocate, messageOf, sizeOf } from '@cflow/base'
import type { DType, Tensor } from '@cflow/base'
import type { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-common'
import type { Session, SessionOptions, Tensors } from './runtime.js'

/** What the drivers over onnxruntime-node and onnxruntime-web share: feeds, fetches, carried state, errors. */

interface OrtModule {
  readonly Tensor: typeof OrtTensor
}

const toDType = (type: OrtTensor.Type): DType => type as DType

function toOrt(ort: OrtModule, t: Tensor): OrtTensor {
  return new ort.Tensor(t.dtype as 'float32', t.data as Float32Array, t.shape)
}

async function fromOrt(t: OrtTensor): Promise<Tensor> {
  const data = (t.location === 'cpu' ? t.data : await t.getData()) as Tensor['data']
  // where the engine knows Float16Array, onnxruntime uses it; our float16 are the raw bits
  const isHalf = t.type === 'float16' && !(data instanceof Uint16Array)
  return {
    dtype: toDType(t.type),
    shape: t.dims,
    data: isHalf ? new Uint16Array(data.buffer, data.byteOffset, data.length) : data,
  }
}

export function sessionOver(
  ort: OrtModule,
  session: InferenceSession,
  options: SessionOptions,
  hooks: {
    /** Outputs of carried state written into given buffers (CPU) instead of new ones (device memory). */
    readonly preallocate: boolean
  },
): Session {
  const state = options.state ?? {}
  const carriedOutputs = new Set(Object.keys(state))
  const carriedInputs = new Set(Object.values(state))
  const current = new Map<string, OrtTensor>()
  const spare = new Map<string, OrtTensor>()
  // the queue: runs, and readings and replacements of state, one after the other in the order of the calls
  let last: Promise<unknown> = Promise.resolve()
  const inTurn = <T>(work: () => T | Promise<T>): Promise<T> => {
    const result = last.then(work)
    last = result.catch(() => undefined)
    return result
  }

  for (const [output, input] of Object.entries(state)) {
    if (!session.outputNames.includes(output) || !session.inputNames.includes(input))
      throw new CflowError('SHAPE', `state ${output} → ${input} is not in the graph`)
  }

  const inputs = session.inputNames.filter((n) => !carriedInputs.has(n))
  const outputs = session.outputNames.filter((n) => !carriedOutputs.has(n))

  const execute = async (feeds: Tensors, wanted: readonly string[]): Promise<Tensors> => {
    const ortFeeds: Record<string, OrtTensor> = {}
    for (const name of inputs) {
      const t = feeds[name]
      if (!t) throw new CflowError('SHAPE', `input ${name} is not fed`, { subject: name })
      if (t.data.length !== sizeOf(t.shape))
        throw new CflowError('SHAPE', `input ${name} has another number of elements than its shape`)
      ortFeeds[name] = toOrt(ort, t)
    }
    for (const name of carriedInputs) {
      const t = current.get(name)
      if (!t) throw new CflowError('SHAPE', `state ${name} was never set`, { subject: name })
      ortFeeds[name] = t
    }
    const fetches: Record<string, OrtTensor | null> = {}
    for (const name of wanted) fetches[name] = null
    for (const [output, input] of Object.entries(state))
      fetches[output] = (hooks.preallocate && spare.get(input)) || null
    const results = await session
      .run(ortFeeds, fetches as InferenceSession.FetchesType)
      .catch((error: unknown) => {
        throw new CflowError('RUNTIME', `the model could not be run: ${messageOf(error)}`, {
          cause: error,
        })
      })
    for (const [output, input] of Object.entries(state)) {
      const before = current.get(input) as OrtTensor
      if (hooks.preallocate) spare.set(input, before)
      else before.dispose()
      current.set(input, results[output] as OrtTensor)
    }
    const entries = await Promise.all(
      wanted.map(async (name) => {
        const t = results[name] as OrtTensor
        const tensor = await fromOrt(t)
        return [name, tensor] as const
      }),
    )
    return Object.fromEntries(entries)
  }

  return {
    inputs,
    outputs,
    run(feeds, wanted = outputs) {
      const unknown = wanted.find((n) => !outputs.includes(n))
      if (unknown !== undefined)
        return Promise.reject(
          new CflowError('SHAPE', `the graph has no output ${unknown}`, { subject: unknown }),
        )
      return inTurn(() => execute(feeds, wanted))
    },
    setState(values) {
      const replacements = Object.entries(values).map(([name, t]) => {
        if (!carriedInputs.has(name))
          throw new CflowError('SHAPE', `the graph carries no state ${name}`, { subject: name })
        return [name, t, toOrt(ort, t)] as const
      })
      void inTurn(() => {
        for (const [name, t, ortTensor] of replacements) {
          current.get(name)?.dispose()
          current.set(name, ortTensor)
          if (hooks.preallocate)
            spare.set(name, toOrt(ort, { ...t, data: allocate(t.dtype, t.data.length) }))
        }
      })
    },
    getState() {
      return inTurn(async () => {
        const entries = await Promise.all(
          [...current].map(async ([name, t]) => {
            const { dtype, shape, data } = await fromOrt(t)
            return [name, { dtype, shape, data: data.slice() as Tensor['data'] }] as const
          }),
        )
        return Object.fromEntries(entries)
      })
    },
    release() {
      return inTurn(async () => {
        for (const t of current.values()) t.dispose()
        current.clear()
        await session.release()
      })
    },
  }
}
