import { CflowError, allocate, messageOf, sizeOf, type DType, type Tensor } from '@cflow/base'
import type { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-common'
import type { Session, SessionOptions, Tensors } from '../runtime.js'

/** What the drivers over onnxruntime-node and onnxruntime-web share: feeds, fetches, carried state, errors. */

async function fromOrt(t: OrtTensor): Promise<Tensor> {
  const data = (t.location === 'cpu' ? t.data : await t.getData()) as Tensor['data']
  // where the engine knows Float16Array, onnxruntime uses it; our float16 are the raw bits
  const isHalf = t.type === 'float16' && !(data instanceof Uint16Array)
  return {
    dtype: t.type as DType,
    shape: t.dims,
    data: isHalf ? new Uint16Array(data.buffer, data.byteOffset, data.length) : data,
  }
}

/** Of each named tensor, by name. */
async function allFromOrt(named: Iterable<readonly [string, OrtTensor]>): Promise<Tensors> {
  const entries = [...named].map(async ([name, t]) => [name, await fromOrt(t)] as const)
  return Object.fromEntries(await Promise.all(entries))
}

/** @throws CflowError MODEL */
export function notLoaded(cause: unknown): never {
  throw new CflowError('MODEL', `onnxruntime cannot load the model: ${messageOf(cause)}`, { cause })
}

const misfit = (message: string, subject: string): CflowError =>
  new CflowError('SHAPE', message, { subject })

/**
 * A session of onnxruntime's JavaScript API as one of ours.
 * @param preallocate outputs of carried state are written into given buffers (CPU) instead of new ones (device memory)
 */
export function sessionOver(
  ort: { readonly Tensor: typeof OrtTensor },
  session: InferenceSession,
  preallocate: boolean,
  state: SessionOptions['state'] = {},
): Session {
  const carriedOutputs = Object.keys(state)
  const carriedInputs = Object.values(state)
  const current = new Map<string, OrtTensor>()
  const spare = new Map<string, OrtTensor>()
  const toOrt = (t: Tensor) => new ort.Tensor(t.dtype as 'float32', t.data as Float32Array, t.shape)
  // the queue: runs, and readings and replacements of state, one after the other in the order of the calls
  let last: Promise<unknown> = Promise.resolve()
  const inTurn = <T>(work: () => T | Promise<T>): Promise<T> => {
    const result = last.then(work)
    last = result.catch(() => undefined)
    return result
  }

  for (const [output, input] of Object.entries(state))
    if (!session.outputNames.includes(output) || !session.inputNames.includes(input))
      throw new CflowError('SHAPE', `state ${output} → ${input} is not in the graph`)
  const inputs = session.inputNames.filter((n) => !carriedInputs.includes(n))
  const outputs = session.outputNames.filter((n) => !carriedOutputs.includes(n))

  const fed = (name: string, t: Tensor | undefined): OrtTensor => {
    if (!t) throw misfit(`input ${name} is not fed`, name)
    if (t.data.length === sizeOf(t.shape)) return toOrt(t)
    throw misfit(`input ${name} has another number of elements than its shape`, name)
  }

  const execute = async (feeds: Tensors, wanted: readonly string[]): Promise<Tensors> => {
    const ortFeeds = Object.fromEntries(inputs.map((name) => [name, fed(name, feeds[name])]))
    const unset = carriedInputs.find((name) => !current.has(name))
    if (unset !== undefined) throw misfit(`state ${unset} was never set`, unset)
    const fetches: Record<string, OrtTensor | null> = {}
    for (const name of wanted) fetches[name] = null
    for (const [output, input] of Object.entries(state)) fetches[output] = spare.get(input) ?? null
    const results = await session
      .run({ ...ortFeeds, ...Object.fromEntries(current) }, fetches as InferenceSession.FetchesType)
      .catch((cause: unknown) => {
        throw new CflowError('RUNTIME', `the model could not be run: ${messageOf(cause)}`, {
          cause,
        })
      })
    for (const [output, input] of Object.entries(state)) {
      const before = current.get(input) as OrtTensor
      if (preallocate) spare.set(input, before)
      else before.dispose()
      current.set(input, results[output] as OrtTensor)
    }
    return allFromOrt(wanted.map((name) => [name, results[name] as OrtTensor]))
  }

  return {
    inputs,
    outputs,
    run(feeds, wanted = outputs) {
      const unknown = wanted.find((n) => !outputs.includes(n))
      if (unknown !== undefined)
        return Promise.reject(misfit(`the graph has no output ${unknown}`, unknown))
      return inTurn(() => execute(feeds, wanted))
    },
    setState(values) {
      const unknown = Object.keys(values).find((name) => !carriedInputs.includes(name))
      if (unknown !== undefined) throw misfit(`the graph carries no state ${unknown}`, unknown)
      const replacements = Object.entries(values).map(([name, t]) => [name, t, toOrt(t)] as const)
      void inTurn(() => {
        for (const [name, t, ortTensor] of replacements) {
          current.get(name)?.dispose()
          current.set(name, ortTensor)
          if (preallocate) spare.set(name, toOrt({ ...t, data: allocate(t.dtype, t.data.length) }))
        }
      })
    },
    getState: () =>
      inTurn(async () => {
        const state = Object.entries(await allFromOrt(current))
        return Object.fromEntries(
          state.map(([name, t]) => [name, { ...t, data: t.data.slice() as Tensor['data'] }]),
        )
      }),
    release: () =>
      inTurn(async () => {
        for (const t of current.values()) t.dispose()
        current.clear()
        await session.release()
      }),
  }
}
