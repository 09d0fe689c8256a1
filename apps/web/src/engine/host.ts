import { messageOf } from '@cflow/base'
import type { AnomalyMap, Detection } from '@cflow/detector'
import { isLostGpu } from '../errors.js'
import {
  openEngine,
  savesData,
  startWorker,
  wasmChoices,
  type Engine,
  type EngineChoice,
  type EngineId,
} from './engines.js'
import { proven } from './proven.js'
import { percent } from '../ui/format.js'

export interface HostEvents {
  /** An engine took over. @param isAlike it computes what the one before did, with other threads */
  onEngine(engine: Engine, isAlike: boolean): void
  /** Resolves when no image waits. */
  quiet(): Promise<void>
  /** Something a person should know of: `failure` when what was asked for did not work. */
  onNote(title: string, text: string): void
  onState(text: string): void
  /** So many bytes more of what an engine needs have come. */
  onBytes(bytes: number): void
}

/** Largest relative difference of a score that counts as the same. */
const tolerance = 1e-3

export type Host = ReturnType<typeof engineHost>

/**
 * The detector in use, and the engine it runs on. One change at a time, in the order asked for. The first engine is fetched at
 * once, beside the detector.
 * @param gpu what WebGPU is here
 * @param known gives an image whose score every engine must agree on
 * @param wanted the engine asked for; by default WASM at once, and WebGPU when it is a GPU, agrees with WASM and is faster
 */
export function engineHost(
  gpu: Promise<EngineChoice>,
  known: () => Promise<Blob>,
  events: HostEvents,
  wanted: EngineId | null,
) {
  const [threads] = wasmChoices()
  const wasm: EngineId = threads.missing ? 'single' : 'threads'
  const first: EngineId = wanted === 'single' ? 'single' : wasm
  /** WASM with as many threads as have proved themselves. */
  let quickest: EngineId = first
  let isProven = wasm === 'single' || savesData()
  let spare: ReturnType<typeof startWorker> | undefined = startWorker(first, events.onBytes)
  const opened = async (id: EngineId, file: Blob): Promise<Engine> => {
    const worker = spare?.id === id ? spare : startWorker(id, () => {})
    if (worker === spare) spare = undefined
    return openEngine(worker, file)
  }
  let current: Engine | undefined
  let model: Blob | undefined
  let asked = wanted === 'threads' ? wasm : (wanted ?? undefined)

  let last: Promise<unknown> = Promise.resolve()
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const result = last.then(work)
    last = result.catch(() => undefined)
    return result
  }

  const use = (engine: Engine, isAlike = false) => {
    if (engine !== current) current?.close()
    current = engine
    events.onEngine(engine, isAlike)
    void engine.lost.then(() => leave(engine))
  }

  /** Go on with WASM where a GPU was lost, unless something else has taken over. */
  const leave = (lost: Engine): Promise<void> =>
    inTurn(async () => {
      if (lost !== current) return
      events.onNote('The GPU was lost', 'Going on with WASM; choose WebGPU again to retry.')
      asked = wasm
      await useWasm(lost.model, wasm)
    })

  /** Run on WASM; a WASM engine that has the detector already goes on. */
  const useWasm = async (file: Blob, id: EngineId, isWanted = () => true): Promise<boolean> => {
    const isThere = current?.model === file && current.id === id
    if (!isWanted()) return false
    const engine = isThere ? current! : await opened(id, file)
    if (!isWanted()) {
      if (engine !== current) engine.close()
      return false
    }
    use(engine)
    model = file
    events.onState('')
    return true
  }

  /**
   * Take WebGPU when it computes the score of an image that the WASM engine in use computes (onnxruntime-web's is wrong for
   * some convolutions, and drivers differ) and, both warm, is faster.
   * @param must take it also when it is slower, and tell why when it is not taken
   */
  const tryGpu = async (must: boolean): Promise<void> => {
    const reference = current!
    let candidate: Engine | undefined
    let why: string
    try {
      events.onState('checking WebGPU …')
      candidate = await opened('webgpu', reference.model)
      const image = await known()
      const { score } = await candidate.detect(image)
      const { score: expected } = await reference.detect(image)
      const difference = Math.abs(score - expected) / Math.max(Math.abs(expected), 1e-12)
      const agrees = difference <= tolerance
      const time = async (engine: Engine) => (await engine.detect(image)).milliseconds
      if (agrees && (must || (await time(candidate)) < (await time(reference)))) {
        use(candidate)
        return events.onState('WebGPU agrees with WASM')
      }
      why = agrees ? 'WebGPU is slower here' : `WebGPU differs from WASM by ${percent(difference)}`
    } catch (error) {
      why = `WebGPU failed (${messageOf(error)})`
    }
    candidate?.close()
    events.onState('WebGPU is not used')
    if (must) events.onNote('WebGPU is not used', `${why}. Going on with WASM.`)
  }

  /** @param isKept whether the picture is still there to be asked about once more */
  const answerOf = async <T>(ask: (engine: Engine) => Promise<T>, isKept: boolean): Promise<T> => {
    const engine = current
    if (!engine) throw new Error('no detector is loaded yet')
    try {
      return await ask(engine)
    } catch (error) {
      // replaced in the meantime, or gone: the engine that took over answers
      if (engine.id === 'webgpu' && isLostGpu(error)) await leave(engine)
      // a picture of a video was handed over: the next one is judged
      if (engine === current || !current || !isKept) throw error
      return ask(current)
    }
  }

  /** Once, while nothing else runs: threads are slower than one on a busy machine. */
  const proveThreads = async (): Promise<void> => {
    const threads = current
    if (asked !== undefined || threads?.id !== 'threads') return
    let single: Engine | undefined
    try {
      const one = (single = await opened('single', threads.model))
      const image = await known()
      quickest = await proven(
        () => threads.detect(image),
        () => one.detect(image),
      )
    } catch (error) {
      console.warn('one thread could not be tried:', error)
    }
    if (quickest === 'single' && single && threads === current) {
      use(single, true)
      events.onState('one thread is quicker here')
    } else single?.close()
  }

  const wasmAsked = () => (asked === 'single' ? 'single' : asked === undefined ? quickest : wasm)

  return {
    get engine() {
      return current
    },
    /**
     * Run another detector.
     * @param isWanted false once something else is asked for: then it does not take over
     * @throws when it cannot be loaded; the one before then stays
     */
    async open(file: Promise<Blob>, isWanted: () => boolean): Promise<void> {
      const model = await file
      if (!(await inTurn(() => useWasm(model, wasmAsked(), isWanted)))) return
      void inTurn(async () => {
        const { missing, isSoftware } = await gpu
        // WebGPU's build of onnxruntime-web is large: fetched where it may be of use, and asked for or no burden
        const isWorthTrying = !missing && !isSoftware && !savesData()
        if (asked === 'webgpu' ? !missing : asked === undefined && isWorthTrying)
          await tryGpu(asked === 'webgpu')
      })
      if (isProven) return
      isProven = true
      void events.quiet().then(() => inTurn(proveThreads))
    },
    /** Run on another engine; one that computes otherwise than WASM is not taken. */
    choose(id: EngineId): Promise<void> {
      asked = id
      return inTurn(async () => {
        if (!model) return
        await useWasm(model, id === 'single' ? 'single' : wasm)
        if (id === 'webgpu') await tryGpu(true)
      })
    },
    detect: (image: Blob | ImageData): Promise<Detection> =>
      answerOf((engine) => engine.detect(image), image instanceof Blob),
    /** The anomaly map of each scale alone. */
    scaleMaps: (image: Blob): Promise<readonly AnomalyMap[]> =>
      answerOf((engine) => engine.scaleMaps(image), true),
  }
}
