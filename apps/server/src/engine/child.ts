import { fork, type ChildProcess } from 'node:child_process'
import { createRequire } from 'node:module'
import { fileURLToPath, pathToFileURL } from 'node:url'

/**
 * Starts a module of this package in a process of its own. From source it runs as this process does, through tsx.
 *
 * @param name beside `base`, without ending
 * @param base `import.meta.url` of the caller
 */
export function startChild(name: string, base: string, execArgv: readonly string[] = []) {
  const isSource = base.endsWith('.ts')
  const file = fileURLToPath(new URL(`./${name}.${isSource ? 'ts' : 'js'}`, base))
  return fork(file, [], {
    execArgv: [...(isSource ? fromSource(base) : inherited()), ...execArgv],
    serialization: 'advanced',
    // a worker's output goes where this process's errors go: standard output is for results
    stdio: ['ignore', 2, 2, 'ipc'],
  })
}

/** A debugger's port cannot be shared, and code that was given on the command line is not the child's. */
const inherited = (): string[] =>
  process.execArgv.filter((flag) => !/^(--inspect|-e$|--eval|-p$|--print)/.test(flag))

const fromSource = (base: string): string[] => [
  '--conditions=@cflow/source',
  '--import',
  pathToFileURL(createRequire(base).resolve('tsx')).href,
]

/** Ends a process that may be stuck in native code. */
export function kill(child: ChildProcess): void {
  if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
}
