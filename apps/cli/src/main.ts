#!/usr/bin/env node
import { main } from './cli.js'
import { flushed, processIo } from './process-io.js'

// the workspace's script `npm run cflow` starts in the workspace's root: relative paths are the caller's
if (process.env['npm_lifecycle_event'] === 'cflow' && process.env['INIT_CWD'])
  process.chdir(process.env['INIT_CWD'])

const code = await main(process.argv.slice(2), processIo())
await flushed()
process.exit(code)
