/**
 * What a GPU does: on every accelerated device of this machine, beside the CPU, the contract suite, trainings, the scores of
 * detectors that the CPU trained, and images a second. Writes one JSON document to benchmarks/results/gpu.json; a device
 * that is absent says so in it.
 *
 *     node --conditions=@cflow/source --import tsx benchmarks/gpu.ts [--seconds S] [--images N] [--limit S] [--no-browser] [DEVICE…]
 */
import { spawn } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { messageOf } from '../packages/base/src/index.js'
import { libraries } from '../packages/runtimes/src/node.js'
import { root } from './child.js'
import { detectorIn, inBrowser } from './gpu/browser.js'
import { gpu, measure } from './gpu/device.js'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: 'string', default: '4' },
    images: { type: 'string', default: '30' },
    limit: { type: 'string', default: '600' },
    'no-browser': { type: 'boolean', default: false },
    // what this program starts itself with, so that a driver that ends the process or hangs loses one device only
    one: { type: 'string' },
  },
})
const cpu = 'onnxruntime-node:cpu'
const asked = positionals.length > 0 ? positionals : ['onnxruntime-node:cuda', 'onnxruntime-node:webgpu', 'tfjs:tensorflow'] // prettier-ignore
const images = Number(values.images)
const milliseconds = 500 * Number(values.seconds)
const results = join(root, 'benchmarks', 'results')
const folder = join(results, 'gpu')
mkdirSync(folder, { recursive: true })
const fileOf = (device: string) => join(folder, `${device.replace(/\W/g, '-')}.json`)
const write = (path: string, found: unknown) => writeFileSync(path, `${JSON.stringify(found, null, 2)}\n`) // prettier-ignore

/** In a process of its own. */
async function onDevice(device: string): Promise<object> {
  rmSync(fileOf(device), { force: true })
  const args = ['--one', device, '--images', values.images, '--seconds', values.seconds]
  const child = spawn(process.execPath, [...process.execArgv, process.argv[1]!, ...args], {
    stdio: ['ignore', 'inherit', 'inherit'],
    timeout: 1000 * Number(values.limit),
    killSignal: 'SIGKILL',
  })
  const ended = await new Promise<string | undefined>(
    (done) =>
    child.on('close', (code, name) => done(code === 0 ? undefined : `it ended with ${name ?? code}`)), // prettier-ignore
  )
  const found = (() => {
    try {
      return JSON.parse(readFileSync(fileOf(device), 'utf8')) as object
    } catch {
      return { device }
    }
  })()
  return { ...found, ...(ended !== undefined && { ended }) }
}

async function browser() {
  const { buildInPage, serveFolder } = await import('../apps/web/test/site.js')
  const { isolating } = await import('../apps/web/vite.config.js')
  return inBrowser({
    async serve(page) {
      const built = join(root, 'apps/web/test-results/gpu', page)
      await buildInPage(built, page)
      return serveFolder(built, '/', isolating)
    },
    ...{ detector: detectorIn(folder), images, milliseconds },
  })
}

if (values.one !== undefined) {
  const device = values.one
  await measure({ device, images, milliseconds, folder, onStep: (found) => write(fileOf(device), found) }) // prettier-ignore
} else {
  const document: Record<string, unknown> = {
    date: new Date().toISOString().slice(0, 10),
    ...{ node: process.version, processor: cpus()[0]?.model, cores: cpus().length, gpu: gpu() },
    libraries: libraries(),
  }
  const found: object[] = []
  for (const device of [cpu, ...asked.filter((d) => d !== cpu)]) {
    found.push(await onDevice(device))
    write(join(results, 'gpu.json'), { ...document, devices: found })
  }
  document['devices'] = found
  if (!values['no-browser'])
    document['browser'] = await browser().catch((error: unknown) => ({ available: false, reason: messageOf(error) })) // prettier-ignore
  write(join(results, 'gpu.json'), document)
  console.log(JSON.stringify(document, null, 2))
}
