import type { Detection } from '@cflow/detector'
import { isLostGpu } from '../errors.js'
import { compare } from './agreement.js'
import { openEngine } from './engines.js'
import type { Engine, EngineChoice, EngineId } from './engines.js'

export interface HostEvents {
  /** An engine took over; the results of another one are gone. */
  onEngine(engine: Engine): void
  /** Something a person should know of: `failure` when what was asked for did not work. */
  onNote(title: string, text: string): void
  onState(text: string): void
}

/** The detector in use, and the engine it runs on. One change at a time, in the order asked for. */
export interface Host {
  readonly engine: Engine | undefined
  /** Run another detector. @throws when it cannot be loaded; the one before then stays */
  open(model: Blob): Promise<void>
  /** Run on another engine; one that computes otherwise than WASM is not taken. */
  choose(id: EngineId): Promise<void>
  detect(image: Blob): Promise<Detection>
}

/**
 * @param known gives an image whose score every engine must agree on
 * @param wanted the engine asked for; by default WASM at once, and WebGPU when it agrees with it and is faster
 */
export function engineHost(
  choices: readonly EngineChoice[],
  known: () => Promise<Blob>,
  events: HostEvents,
  wanted?: EngineId,
): Host {
  const available = (id: EngineId) => !choices.find((c) => c.id === id)?.missing
  const wasm: EngineId = available('threads') ? 'threads' : 'single'
  let current: Engine | undefined
  let model: Blob | undefined
  let asked = wanted && available(wanted) ? wanted : undefined

  let last: Promise<unknown> = Promise.resolve()
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const result = last.then(work)
    last = result.catch(() => undefined)
    return result
  }

  const use = (engine: Engine) => {
    if (engine !== current) current?.close()
    current = engine
    events.onEngine(engine)
  }

  /** Try WebGPU next to a WASM engine. @returns the engine to use: WebGPU or that one */
  const tryGpu = async (reference: Engine, file: Blob, must: boolean): Promise<Engine> => {
    let gpu: Engine | undefined
    try {
      events.onState('checking WebGPU …')
      gpu = await openEngine('webgpu', file)
      const { agrees, difference, milliseconds, referenceMilliseconds } = await compare(
        gpu,
        reference,
        await known(),
      )
      if (agrees && (must || milliseconds < referenceMilliseconds)) {
        events.onState('WebGPU agrees with WASM')
        return gpu
      }
      gpu.close()
      const why = agrees
        ? 'WebGPU is slower here'
        : `WebGPU differs from WASM by ${(100 * difference).toPrecision(2)} %`
      events.onState(`${why}: not used`)
      if (must) events.onNote('WebGPU is not used', `${why}. Going on with WASM.`)
      return reference
    } catch (error) {
      gpu?.close()
      events.onState('WebGPU failed: not used')
      if (must)
        events.onNote(
          'WebGPU is not used',
          `It failed here (${(error as Error).message}). Going on with WASM.`,
        )
      return reference
    }
  }

  const start = async (file: Blob, id: EngineId | undefined): Promise<void> => {
    const reference = await openEngine(id === 'single' ? 'single' : wasm, file)
    model = file
    events.onState('')
    if (id !== 'webgpu') use(reference)
    if (id === 'webgpu' || (id === undefined && available('webgpu'))) {
      const chosen = await tryGpu(reference, file, id === 'webgpu')
      if (chosen !== current) use(chosen)
      if (chosen !== reference) reference.close()
    }
  }

  return {
    get engine() {
      return current
    },
    open: (file) => inTurn(() => start(file, asked)),
    choose(id) {
      asked = id
      return inTurn(async () => {
        if (model) await start(model, id)
      })
    },
    async detect(image) {
      const engine = current
      if (!engine) throw new Error('no detector is loaded yet')
      try {
        return await engine.detect(image)
      } catch (error) {
        // replaced in the meantime, or gone: the engine that took over answers
        if (engine.id === 'webgpu' && engine === current && isLostGpu(error)) {
          events.onNote('The GPU was lost', 'Going on with WASM; choose WebGPU again to retry.')
          asked = wasm
          await inTurn(() => start(model!, wasm))
        }
        if (engine === current || !current) throw error
        return current.detect(image)
      }
    },
  }
}
