#!/usr/bin/env node
import { Interruption, main, type Io } from './cli.js'

// the workspace's script `npm run cflow` starts in the workspace's root: relative paths are the caller's
if (process.env['npm_lifecycle_event'] === 'cflow' && process.env['INIT_CWD'])
  process.chdir(process.env['INIT_CWD'])

/** Milliseconds that work has to end after Ctrl-C: what takes longer is stuck in a call that cannot be ended. */
let patience = 5000

const code = await main(process.argv.slice(2), processIo())
await flushed()
process.exit(code)

/**
 * The process's own streams, and an abort at Ctrl-C or SIGTERM. A second one ends the process at once, as does work that
 * does not end by itself.
 */
function processIo(): Io {
  const controller = new AbortController()
  const interrupt = (signal: 'SIGINT' | 'SIGTERM'): void => {
    if (controller.signal.aborted) return end(signal)
    controller.abort(new Interruption(signal))
    setTimeout(end, patience, signal).unref()
  }
  process.on('SIGINT', interrupt)
  process.on('SIGTERM', interrupt)
  // a part of shared work ends with who gave it out
  if (process.env['CFLOW_PART'] !== undefined)
    process.once('disconnect', () => interrupt('SIGTERM'))
  // the reader of a pipe went away (as `| head` does): there is nobody to tell
  for (const stream of [process.stdout, process.stderr])
    stream.on('error', (error: NodeJS.ErrnoException) => {
      process.exit(error.code === 'EPIPE' ? 0 : 1)
    })
  return {
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    // as it is now: terminals change their size; one that does not know its own counts as 80
    get columns() {
      const { isTTY, columns } = process.stderr
      return isTTY ? columns || Number(process.env['COLUMNS']) || 80 : undefined
    },
    isTerminal: Boolean(process.stdout.isTTY),
    env: process.env,
    signal: controller.signal,
    patience: (milliseconds) => void (patience = milliseconds),
  }
}

/** End as the system does at a signal, also where a thread is stuck in a system call, which `exit` would wait for. */
function end(signal: 'SIGINT' | 'SIGTERM'): void {
  process.removeAllListeners(signal)
  process.kill(process.pid, signal)
}

/** Resolves when all that was written has left the process. */
async function flushed(): Promise<void> {
  for (const stream of [process.stdout, process.stderr])
    await new Promise<void>((resolve) => stream.write('', () => resolve()))
}
