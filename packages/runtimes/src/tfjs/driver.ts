import { CflowError, messageOf } from '@cflow/base'
import type { Driver, OpenOptions } from '../driver.js'
import type { Runtime } from '../runtime.js'
import { questioned } from '../self-test.js'
import type { Engine, Tf } from './held.js'
import { sessionOn } from './session.js'
import { inTurn } from './turns.js'

const version = '4.22.0'
const packages = (...names: string[]) => names.map((name) => `@tensorflow/tfjs-${name}`)
const install = (names: readonly string[]) =>
  `install: npm install ${names.map((name) => `${name}@${version}`).join(' ')}`

interface NodeProcess {
  readonly versions?: { readonly node?: string }
  readonly env: Record<string, string | undefined>
  getBuiltinModule?(name: string): unknown
  listeners?(event: string): readonly unknown[]
  removeListener?(event: string, listener: unknown): void
}
const node = (globalThis as { process?: NodeProcess }).process
const inNode = node?.versions?.node

/** What a backend is made of, and how its library is loaded. */
interface Backend {
  /** What to install. */
  readonly packages: readonly string[]
  /** Why it cannot be here; undefined where it can. */
  missing?(): string | undefined
  /** The library, with the backend in it. */
  load(options: Pick<OpenOptions, 'wasmPaths'>): Promise<Tf>
}

const core = () => import('@tensorflow/tfjs-core')
const global = globalThis as { OffscreenCanvas?: unknown; document?: unknown; navigator?: { gpu?: unknown } } // prettier-ignore

const backends: Readonly<Record<string, Backend>> = {
  tensorflow: {
    packages: packages('node'),
    missing: () => (inNode ? undefined : 'TensorFlow itself runs in Node only'),
    load: tensorflow,
  },
  webgpu: {
    packages: packages('core', 'backend-webgpu'),
    missing: () => (global.navigator?.gpu ? undefined : 'there is no WebGPU here'),
    async load() {
      await import('@tensorflow/tfjs-backend-webgpu')
      return core()
    },
  },
  webgl: {
    packages: packages('core', 'backend-webgl'),
    missing: () => (global.OffscreenCanvas ?? global.document ? undefined : 'there is no WebGL here'), // prettier-ignore
    async load() {
      await import('@tensorflow/tfjs-backend-webgl')
      return core()
    },
  },
  wasm: {
    packages: packages('core', 'backend-wasm'),
    async load({ wasmPaths }) {
      const { setWasmPaths } = await import('@tensorflow/tfjs-backend-wasm')
      if (typeof wasmPaths === 'string') setWasmPaths(wasmPaths)
      return core()
    },
  },
  cpu: {
    packages: packages('core', 'backend-cpu'),
    async load() {
      await import('@tensorflow/tfjs-backend-cpu')
      return core()
    },
  },
}

/** What `auto` takes, the first that can be had; `cpu`, plain JavaScript, is there to compare with. */
const preferred = ['tensorflow', 'webgpu', 'webgl', 'wasm', 'cpu']

/** Of the devices that were tried before. */
const answers = new Map<string, Promise<void>>()

/**
 * TensorFlow.js. Devices are its backends: `tensorflow` (tfjs-node, tfjs-node-gpu), `webgpu`, `webgl`, `wasm`, `cpu`;
 * `auto` (default) is the first of these that can be had.
 */
export const tfjs: Driver = {
  name: 'tfjs',
  devices: ['tensorflow', 'wasm', 'cpu'],
  async open({ device = 'auto', wasmPaths }) {
    const options = { ...(wasmPaths !== undefined && { wasmPaths }) }
    const engine = device === 'auto' ? await firstOf(options) : await openBackend(device, options)
    const runtime: Runtime = {
      name: `tfjs (${engine.backend})`,
      // variables stay where they are between runs
      scans: false,
      createSession: (model, { state } = {}) => sessionOn(engine, model, state),
    }
    return /^web|^tensorflow$/.test(engine.backend)
      ? questioned(runtime, engine.backend, answers)
      : runtime
  },
}

async function firstOf(options: Pick<OpenOptions, 'wasmPaths'>): Promise<Engine> {
  for (const name of preferred) {
    const engine = await openBackend(name, options).catch((error: unknown) => {
      if (error instanceof CflowError) return undefined
      throw error
    })
    if (engine) return engine
  }
  throw new CflowError('RUNTIME', 'TensorFlow.js is not installed', {
    subject: 'tfjs',
    hint: install(packages('core', 'backend-wasm')),
  })
}

async function openBackend(name: string, options: Pick<OpenOptions, 'wasmPaths'>): Promise<Engine> {
  const backend = Object.hasOwn(backends, name) ? backends[name] : undefined
  if (!backend)
    throw new CflowError('RUNTIME', `TensorFlow.js has no device ${name}`, {
      subject: name,
      hint: `it has ${preferred.join(', ')}`,
    })
  const missing = backend.missing?.()
  if (missing !== undefined)
    throw new CflowError('RUNTIME', `the device tfjs:${name} cannot be used: ${missing}`, {
      subject: name,
      hint: inNode ? 'in Node there is tfjs:tensorflow, tfjs:wasm and tfjs:cpu' : 'use tfjs:wasm',
    })
  const tf = await backend.load(options).catch((cause: unknown) => {
    throw new CflowError('RUNTIME', `the device tfjs:${name} cannot be loaded: ${messageOf(cause)}`, { subject: name, hint: hintFor(name, backend), cause }) // prettier-ignore
  })
  // in Node the backend `cpu` advises another one by a warning
  if (inNode) tf.enableProdMode()
  const failed = (cause?: unknown) =>
    new CflowError('RUNTIME', `the device tfjs:${name} cannot be used${cause ? `: ${messageOf(cause)}` : ''}`, { subject: name, hint: 'use tfjs:wasm or tfjs:cpu', cause }) // prettier-ignore
  const started = await inTurn(() => withoutListeners(() => tf.setBackend(name))).catch(
    (cause: unknown) => {
      throw failed(cause)
    },
  )
  if (!started) throw failed()
  return { tf, backend: name }
}

/**
 * The WASM backend listens in Node to errors that nobody caught, to throw them again: they would be printed with the whole
 * of its source. What it adds while it starts is taken away.
 */
async function withoutListeners<T>(start: () => Promise<T>): Promise<T> {
  const events = ['uncaughtException', 'unhandledRejection']
  const before = events.map((event) => node?.listeners?.(event))
  try {
    return await start()
  } finally {
    events.forEach((event, i) => {
      for (const listener of node?.listeners?.(event) ?? [])
        if (before[i]?.includes(listener) === false) node?.removeListener?.(event, listener)
    })
  }
}

function hintFor(name: string, { packages: names }: Backend): string {
  if (name !== 'tensorflow') return install(names)
  const gpu = `for a GPU ${packages('node-gpu').join('')}@${version}, with CUDA 11.2 and cuDNN 8.1`
  const own = `Its install script downloads TensorFlow; CFLOW_TFJS_NODE names the folder of one that lies elsewhere`
  return `on Node ${inNode}, ${install(names)} (${gpu}). ${own}`
}

/** tfjs-node-gpu or tfjs-node, whichever is installed. */
async function tensorflow(): Promise<Tf> {
  const { env } = node!
  // its remarks about the processor, which are printed
  env['TF_CPP_MIN_LOG_LEVEL'] ??= '2'
  const util = node!.getBuiltinModule?.('node:util') as Record<string, unknown> | undefined
  // tfjs-node uses two functions that Node 23 took away
  if (util) {
    util['isNullOrUndefined'] ??= (x: unknown) => x === null || x === undefined
    util['isArray'] ??= Array.isArray
  }
  const own = env['CFLOW_TFJS_NODE']
  if (own) {
    const { createRequire } = node!.getBuiltinModule!('node:module') as { createRequire(from: string): (id: string) => unknown } // prettier-ignore
    return createRequire(`${own}/package.json`)(own) as Tf
  }
  for (const name of packages('node-gpu', 'node')) {
    try {
      // by a name that bundlers do not follow
      const library = (await import(/* @vite-ignore */ name)) as Tf & { default?: Tf }
      return library.default ?? library
    } catch (error) {
      if ((error as { code?: string }).code !== 'ERR_MODULE_NOT_FOUND') throw error
    }
  }
  throw new Error(
    `neither ${packages('node').join()} nor ${packages('node-gpu').join()} is installed`,
  )
}
