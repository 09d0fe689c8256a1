#!/usr/bin/env node
import { main, type Io } from './cli.js'

// the workspace's script `npm run cflow` starts in the workspace's root: relative paths are the caller's
if (process.env['npm_lifecycle_event'] === 'cflow' && process.env['INIT_CWD'])
  process.chdir(process.env['INIT_CWD'])

const code = await main(process.argv.slice(2), processIo())
await flushed()
process.exit(code)

/** The process's own streams, and an abort at Ctrl-C; a second Ctrl-C ends it at once. */
function processIo(): Io {
  const controller = new AbortController()
  const interrupt = (): void => {
    if (controller.signal.aborted) process.exit(130)
    controller.abort(new Error('interrupted'))
  }
  process.on('SIGINT', interrupt)
  process.on('SIGTERM', interrupt)
  // the reader of a pipe went away (as `| head` does): there is nobody to tell
  for (const stream of [process.stdout, process.stderr])
    stream.on('error', (error: NodeJS.ErrnoException) => {
      process.exit(error.code === 'EPIPE' ? 0 : 1)
    })
  return {
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    columns: process.stderr.isTTY ? process.stderr.columns : undefined,
    env: process.env,
    signal: controller.signal,
  }
}

/** Resolves when all that was written has left the process. */
async function flushed(): Promise<void> {
  for (const stream of [process.stdout, process.stderr])
    await new Promise<void>((resolve) => stream.write('', () => resolve()))
}
