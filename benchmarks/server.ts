/**
 * The server against the library, in one run on one machine: `node --conditions=@cflow/source --import tsx
 * benchmarks/server.ts [--seconds S] [--requests N] [--threads T] [--encoder NAME]`. Prints Markdown.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { Agent, request as httpRequest } from 'node:http'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, readdirSync } from 'node:fs'
import { encodePng } from '../packages/datasets/src/node.js'
import { loadDetector } from '../packages/detector/src/index.node.js'
import { readConfig, serve } from '../apps/server/src/index.js'
import { median } from './measure.js'
import { noiseImages, randomDetector } from './random-detector.js'

const { values } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: 'string', default: '10' },
    requests: { type: 'string', default: '2000' },
    threads: { type: 'string', default: '2' },
    encoder: { type: 'string', default: 'resnet18' },
    rounds: { type: 'string', default: '3' },
    server: { type: 'boolean', default: false },
  },
})
const threads = Number(values.threads)
const maxBatch = 8

if (values.server) await runServer()
else await measure()

/** The server has a process of its own, as it has in use. */
async function runServer(): Promise<void> {
  const [data] = process.argv.slice(-1)
  const served = await serve(
    readConfig({ data, port: 0, example: false, jobs: 0, threads, maxBatch, logLevel: 'warn' }),
  )
  process.on('disconnect', () => void served.close().then(() => process.exit()))
  process.send!({ url: served.url })
}

async function measure(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'cflow-bench-'))
  const files = await Promise.all(noiseImages(16, 256).map((image) => encodePng(image)))
  const model = randomDetector(values.encoder)
  await writeFile(join(folder, 'model.onnx'), model)
  const library = await loadDetector(join(folder, 'model.onnx'), { threads })
  const child = fork(process.argv[1]!, ['--server', '--threads', values.threads, '--', join(folder, 'data')], { execArgv: process.execArgv }) // prettier-ignore
  const [{ url }] = (await once(child, 'message')) as [{ url: string }]
  let agent = new Agent({ keepAlive: true, maxSockets: 64 })
  const call = (method: string, path: string, body?: Uint8Array) =>
    new Promise<number>((resolve, reject) => {
      const start = performance.now()
      const request = httpRequest(
        url + path,
        { method, agent, headers: { 'content-type': 'application/octet-stream' } },
        (response) => {
          // prettier-ignore
          response.resume().on('end', () => {
          if ((response.statusCode ?? 500) >= 300) reject(new Error(`${path}: ${response.statusCode}`))
          else resolve(performance.now() - start)
        })
        },
      )
      request.on('error', reject)
      request.end(body)
    })
  try {
    for (let i = 0; i < 5; i++) {
      // files that differ: of one file a worker would keep one
      const text = Buffer.from(model).toString('latin1')
      const own = Buffer.from(
        text.replace('"category":"random"', `"category":"rando${i}"`),
        'latin1',
      )
      await call('POST', `/v1/detectors/d${i}/versions`, own)
    }
    const predict = (i: number, detector = 'd0') =>
      call('POST', `/v1/detectors/${detector}/predict`, files[i % files.length])
    const seconds = Number(values.seconds)

    /** Images a second, and times of the health check meanwhile. */
    const full = async (health: number[]) => {
      // connections that were idle while the library ran may be closed
      agent.destroy()
      agent = new Agent({ keepAlive: true, maxSockets: 64 })
      const end = performance.now() + 1000 * seconds
      let done = 0
      const start = performance.now()
      const client = async () => {
        while (performance.now() < end) {
          await predict(done)
          done++
        }
      }
      const watch = (async () => {
        while (performance.now() < end) {
          health.push(await call('GET', '/v1/health'))
          await new Promise((r) => setTimeout(r, 50))
        }
      })()
      await Promise.all(Array.from({ length: 16 }, client))
      await watch
      return done / ((performance.now() - start) / 1000)
    }
    const batched = async () => {
      const end = performance.now() + 1000 * seconds
      const start = performance.now()
      let done = 0
      while (performance.now() < end) {
        await library.detectBatch(files, { batchSize: maxBatch, parts: { contributions: false } })
        done += files.length
      }
      return done / ((performance.now() - start) / 1000)
    }
    const ms = (v: number) => `${v.toFixed(1)} ms`
    const row = (name: string, value: string) => console.log(`| ${name} | ${value} |`)
    console.log(`${cpus()[0]?.model}, ${cpus().length} cores, ${threads} threads, Node ${process.version}, ${values.encoder}, 256×256 PNG\n`) // prettier-ignore
    console.log('| measured | value |\n| --- | --- |')
    await library.detectBatch(files, { batchSize: maxBatch })
    for (let i = 0; i < 5; i++) await predict(i, `d${i}`)
    const health: number[] = []
    const ratios: number[] = []
    const rates: (readonly [number, number])[] = []
    for (let round = 0; round < Number(values.rounds); round++) {
      const own = await batched()
      const served = await full(health)
      rates.push([own, served])
      ratios.push(served / own)
    }
    const throughput = median(rates.map(([, s]) => s))

    row('library, batches of 8', `${median(rates.map(([own]) => own)).toFixed(1)} images/s`)
    row('server, concurrency 16', `${throughput.toFixed(1)} images/s`)
    row('server over library: median, rounds', `${median(ratios).toFixed(2)}; ${ratios.map((r) => r.toFixed(2)).join(', ')}`) // prettier-ignore
    row('/v1/health meanwhile: p50, p99, most', [percentile(health, 0.5), percentile(health, 0.99), Math.max(...health)].map(ms).join(', ')) // prettier-ignore
    const single: number[] = []
    for (let i = 0; i < 60; i++) single.push(await predict(i))
    const alone = median(single)
    // images of a line: one every so many milliseconds, whether the last is answered or not
    const interval = 1000 / (throughput / 2)
    const count = Math.round((2 * seconds * 1000) / interval)
    const times = await Promise.all(
      Array.from({ length: count }, async (_, i) => {
        await new Promise((r) => setTimeout(r, i * interval))
        return predict(i)
      }),
    )
    row('one image at a time', ms(alone))
    const p99 = percentile(times, 0.99)
    row('half the load: p50, p99', `${ms(percentile(times, 0.5))}, ${ms(p99)} (${(p99 / alone).toFixed(1)} times one image)`) // prettier-ignore

    const requests = Number(values.requests)
    const memory: number[] = []
    for (let i = 0; i < requests; i += 16) {
      await Promise.all(Array.from({ length: 16 }, (_, k) => predict(i + k, `d${(i + k) % 5}`)))
      if (i % Math.max(16, Math.floor(requests / 20 / 16) * 16) === 0)
        memory.push(rssOf(child.pid!))
    }
    const settled = memory.slice(Math.floor(memory.length / 4))
    const spread = (Math.max(...settled) - Math.min(...settled)) / 2 / median(settled)
    row(`memory over ${requests} requests to 5 detectors, after the first quarter`, `${(median(settled) / 2 ** 20).toFixed(0)} MiB ± ${(100 * spread).toFixed(1)} %`) // prettier-ignore
  } finally {
    agent.destroy()
    child.disconnect()
    await once(child, 'exit')
    await library.release()
    await rm(folder, { recursive: true, force: true })
  }
}

function percentile(sample: readonly number[], share: number): number {
  const sorted = [...sample].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN
}

/** Memory of a process and its children (Linux). */
function rssOf(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const own = 1024 * Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0)
  const children = readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').trim().split(' ').filter(Boolean),
  )
  return children.reduce((sum, child) => sum + rssOf(Number(child)), own)
}
