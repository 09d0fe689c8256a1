/**
 * What a GPU does: the contract suite, one training and one benchmark on every accelerated device of this machine, beside
 * the CPU. Writes one JSON document to benchmarks/results/gpu.json; a device that is absent says so in it.
 *
 *     node --conditions=@cflow/source --import tsx benchmarks/gpu.ts [--seconds S] [--images N] [--no-browser] [DEVICE…]
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { examine, type Reference } from '../apps/cli/src/doctor/examine.js'
import { makeExample, type Example } from '../apps/cli/src/doctor/example.js'
import { chromiumPath, launchWith } from '../apps/web/test/chromium.js'
import type { InPage } from '../apps/web/test/in-page/calls.js'
import { buildInPage, serveFolder } from '../apps/web/test/site.js'
import { isolating } from '../apps/web/vite.config.js'
import { messageOf } from '../packages/base/src/index.js'
import { syntheticDataset } from '../packages/datasets/src/index.js'
import { contract } from '../packages/runtimes/src/contract.js'
import { openRuntime, type Runtime } from '../packages/runtimes/src/index.node.js'
import { libraries } from '../packages/runtimes/src/node.js'
import { trainDetector } from '../packages/trainer/src/index.node.js'
import { root } from './child.js'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: 'string', default: '4' },
    images: { type: 'string', default: '30' },
    'no-browser': { type: 'boolean', default: false },
  },
})
const devices =
  positionals.length > 0
    ? positionals
    : ['onnxruntime-node:cpu', 'onnxruntime-node:cuda', 'onnxruntime-node:webgpu', 'tfjs:tensorflow'] // prettier-ignore
const milliseconds = 500 * Number(values.seconds)
const { signal } = new AbortController()

/** Which of the contract a runtime keeps. */
async function kept(run: (name: string) => Promise<void>) {
  const failed: Record<string, string> = {}
  for (const { name } of contract)
    await run(name).catch((error: unknown) => (failed[name] = messageOf(error)))
  return { tests: contract.length, failed }
}

/** One training of one pass on images that are rendered here. */
async function training(runtime: Runtime) {
  const { train } = syntheticDataset({ kind: 'cable', size: 256, train: Number(values.images), test: 0, seed: 0 }) // prettier-ignore
  const images = await Promise.all(train.map((sample) => sample.load()))
  const began = performance.now()
  const { manifest, seconds } = await trainDetector(images, { runtime, passes: 1, folds: 0 })
  const { threshold } = manifest.calibration
  return { images: images.length, seconds: (performance.now() - began) / 1000, stages: seconds, threshold } // prettier-ignore
}

async function onDevice(device: string, example: Example, reference: Reference) {
  const benchmark = await examine(device, example, reference, milliseconds, { signal })
  if (!benchmark.available) return benchmark
  const runtime = await openRuntime({ device })
  const suite = await kept((name) => contract.find((t) => t.name === name)!.run(runtime))
  const trained = benchmark.can.train ? await training(runtime).catch(messageOf) : undefined
  return { ...benchmark, contract: suite, training: trained }
}

/** WebGPU in Chromium, on whatever adapter it has; WASM beside it. */
async function inBrowser(example: Example) {
  const path = chromiumPath()
  if (path === undefined) return { available: false, reason: 'no Chromium; set CHROMIUM_PATH to its program' } // prettier-ignore
  const folder = join(root, 'apps/web/test-results/gpu/dist')
  await buildInPage(folder)
  const site = await serveFolder(folder, '/', isolating)
  const browser = await launchWith(path, ['--enable-features=Vulkan', '--ignore-gpu-blocklist'])
  try {
    const page = await browser.newPage()
    await page.goto(site.url)
    const call = <K extends keyof InPage>(what: K, ...a: Parameters<InPage[K]>) =>
      page.evaluate(
        ([w, list]) => (globalThis as unknown as { inPage: Record<string, (...a: unknown[]) => unknown> }).inPage[w]!(...list), // prettier-ignore
        [what, a] as const,
      ) as ReturnType<InPage[K]>
    const adapter = await call('adapter')
    const detector = Buffer.from(example.detector).toString('base64')
    const measured: Record<string, unknown> = {}
    for (const device of adapter ? ['wasm', 'webgpu'] : ['wasm'])
      measured[device] = {
        contract: await kept((name) => call('contract', device, name)),
        losses: await call('losses', device).catch(messageOf),
        imagesPerSecond: await call('imagesPerSecond', device, detector, milliseconds).catch(messageOf), // prettier-ignore
      }
    return { available: true, chromium: browser.version(), adapter: adapter ?? 'none: WebGPU was not measured', devices: measured } // prettier-ignore
  } finally {
    await browser.close()
    await site.close()
  }
}

const example = await makeExample()
const reference: Reference = {}
const found: unknown[] = []
for (const device of devices) {
  console.error(device)
  found.push(await onDevice(device, example, reference))
}
const browser = values['no-browser']
  ? undefined
  : await inBrowser(example).catch((error: unknown) => ({ available: false, reason: messageOf(error) })) // prettier-ignore
const document = {
  date: new Date().toISOString().slice(0, 10),
  ...{ node: process.version, processor: cpus()[0]?.model, cores: cpus().length },
  ...{ libraries: libraries(), devices: found, browser },
}
const results = join(root, 'benchmarks', 'results')
mkdirSync(results, { recursive: true })
writeFileSync(join(results, 'gpu.json'), `${JSON.stringify(document, null, 2)}\n`)
console.log(JSON.stringify(document, null, 2))
