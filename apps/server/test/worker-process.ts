/** A worker as `cflow worker` starts it, with short times; its argument is its configuration. */
import { work } from '../src/work.js'

const { timing, ...config } = JSON.parse(process.argv[2]!) as Parameters<typeof work>[0] & {
  readonly timing: Parameters<typeof work>[2]
}
const working = await work(config, undefined, timing)
process.on('SIGTERM', () => void working.close().then(() => process.exit(0)))
console.log('ready')
