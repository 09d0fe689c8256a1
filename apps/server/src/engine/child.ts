import { fork, type ChildProcess } from 'node:child_process'
import { createRequire } from 'node:module'
import type { Writable } from 'node:stream'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { Worker } from 'node:worker_threads'

/** Descriptor of a child's pipe for bytes that are too many for messages. */
export const imagesFd = 4

/**
 * Starts a module of this package in a process of its own. From source it runs as this process does, through tsx.
 *
 * @param name beside `base`, without ending
 * @param base `import.meta.url` of the caller
 * @param images whether it has a pipe at `imagesFd`
 */
export function startChild(name: string, base: string, { images = false } = {}) {
  const isSource = base.endsWith('.ts')
  const file = fileURLToPath(new URL(`./${name}.${isSource ? 'ts' : 'js'}`, base))
  return fork(file, [], {
    execArgv: isSource ? fromSource(base) : inherited(),
    serialization: 'advanced',
    // a worker's output goes where this process's errors go: standard output is for results
    stdio: ['ignore', 2, 2, 'ipc', ...(images ? (['pipe'] as const) : [])],
  })
}

/**
 * Starts a module of this package in a thread of this process.
 *
 * @param name beside `base`, without ending
 * @param base `import.meta.url` of the caller
 */
export function startThread(name: string, base: string, workerData: unknown): Worker {
  if (!base.endsWith('.ts')) return new Worker(new URL(`./${name}.js`, base), { workerData })
  // threads know nothing of what this process loads modules with
  const tsx = import.meta.resolve('tsx/esm/api')
  const module = new URL(`./${name}.ts`, base).href
  const code = `import('${tsx}').then(({ register }) => { register(); return import('${module}') })`
  return new Worker(code, { eval: true, workerData })
}

/** A debugger's port cannot be shared, and code that was given on the command line is not the child's. */
const inherited = (): string[] =>
  process.execArgv.filter((flag) => !/^(--inspect|-e$|--eval|-p$|--print)/.test(flag))

const fromSource = (base: string): string[] => [
  '--conditions=@cflow/source',
  '--import',
  pathToFileURL(createRequire(base).resolve('tsx')).href,
]

/** The pipe to a child's `imagesFd`. */
export const pipeOf = (child: ChildProcess): Writable => child.stdio[imagesFd] as Writable

/** Ends a process that may be stuck in native code. */
export function kill(child: ChildProcess): void {
  if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
}
