/**
 * The server against the library, in one run on one machine: `node --conditions=@cflow/source --import tsx
 * benchmarks/server.ts [--seconds S] [--rounds N] [--requests N] [--threads T] [--model FILE | --toy] [--only throughput,training,memory]`.
 * Both are given the same encoded images and give a verdict and a map of each; the server finds regions besides. Prints Markdown.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, readdirSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { Agent, request as httpRequest } from 'node:http'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { encodePng } from '../packages/datasets/src/node.js'
import { loadDetector } from '../packages/detector/src/index.node.js'
import { readConfig, serve } from '../apps/server/src/index.js'
import { noise, toyDetector } from '../packages/core/src/testing.js'
import { copiesOf, exampleDetector, exampleImages } from './example-detector.js'
import { median } from './measure.js'

const { values } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: 'string', default: '10' },
    rounds: { type: 'string', default: '5' },
    requests: { type: 'string', default: '2000' },
    threads: { type: 'string', default: '2' },
    // a detector of the built-in images; trained when absent, which takes some 20 s
    model: { type: 'string' },
    // a tiny detector and images of 32 pixels: for many requests in little time
    toy: { type: 'boolean', default: false },
    only: { type: 'string', default: 'throughput,training,memory' },
    server: { type: 'boolean', default: false },
  },
})
const threads = Number(values.threads)
const maxBatch = 8
const clients = 16

if (values.server) await runServer()
else await measure()

/** The server has a process of its own, as it has in use. */
async function runServer(): Promise<void> {
  const [data] = process.argv.slice(-1)
  const served = await serve(
    readConfig({ data, port: 0, example: false, jobs: 1, threads, maxBatch, logLevel: 'warn' }),
  )
  process.on('disconnect', () => void served.close().then(() => process.exit()))
  process.send!({ url: served.url })
}

async function measure(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'cflow-bench-'))
  const images = values.toy
    ? Array.from({ length: 16 }, (_, i) => noise(i, 32, 32))
    : await exampleImages(16)
  const files = await Promise.all(images.map((image) => encodePng(image)))
  const model = values.toy
    ? toyDetector()
    : values.model === undefined
      ? await exampleDetector(threads)
      : await readFile(values.model)
  await writeFile(join(folder, 'model.onnx'), model)
  const library = await loadDetector(join(folder, 'model.onnx'), { threads })
  const child = fork(process.argv[1]!, ['--server', '--threads', values.threads, '--', join(folder, 'data')], { execArgv: process.execArgv }) // prettier-ignore
  const [{ url }] = (await once(child, 'message')) as [{ url: string }]
  let agent = new Agent({ keepAlive: true, maxSockets: 64 })
  const call = (method: string, path: string, body?: Uint8Array | string) =>
    new Promise<{ readonly ms: number; readonly text: string }>((resolve, reject) => {
      const start = performance.now()
      const type = typeof body === 'string' ? 'application/json' : 'application/octet-stream'
      const headers = body === undefined ? {} : { 'content-type': type }
      const request = httpRequest(url + path, { method, agent, headers }, (response) => {
        let text = ''
        response.on('data', (part) => (text += String(part)))
        response.on('end', () => {
          if ((response.statusCode ?? 500) < 300) resolve({ ms: performance.now() - start, text })
          else reject(new Error(`${path}: ${response.statusCode} ${text}`))
        })
      })
      request.on('error', reject)
      request.end(body)
    })
  const predict = async (i: number, detector = 'd0') =>
    (await call('POST', `/v1/detectors/${detector}/predict`, files[i % files.length])).ms
  const seconds = Number(values.seconds)
  const row = (name: string, value: string) => console.log(`| ${name} | ${value} |`)
  const only = new Set(values.only.split(','))

  /** Images a second of so many clients, times of the health check meanwhile, and processor time of an image. */
  const full = async (health: number[]) => {
    // connections that were idle while the library ran may be closed
    agent.destroy()
    agent = new Agent({ keepAlive: true, maxSockets: 64 })
    const before = cpuOf(child.pid!)
    const start = performance.now()
    const end = start + 1000 * seconds
    let done = 0
    const client = async () => {
      while (performance.now() < end) {
        await predict(done)
        done++
      }
    }
    await Promise.all([...Array.from({ length: clients }, client), watchHealth(end, health)])
    const rate = done / ((performance.now() - start) / 1000)
    const after = cpuOf(child.pid!)
    return {
      rate,
      http: (after.own - before.own) / done,
      workers: (after.children - before.children) / done,
    }
  }
  const watchHealth = async (end: number, health: number[]) => {
    while (performance.now() < end) {
      health.push((await call('GET', '/v1/health')).ms)
      await new Promise((r) => setTimeout(r, 50))
    }
  }
  const batched = async () => {
    const before = process.cpuUsage()
    const start = performance.now()
    let done = 0
    while (performance.now() < start + 1000 * seconds) {
      await library.detectBatch(files, { batchSize: maxBatch, parts: { contributions: false } })
      done += files.length
    }
    const { user, system } = process.cpuUsage(before)
    return {
      rate: done / ((performance.now() - start) / 1000),
      cpu: (user + system) / 1000 / done,
    }
  }

  const throughput = async () => {
    const health: number[] = []
    const rounds: {
      readonly own: Awaited<ReturnType<typeof batched>>
      readonly served: Awaited<ReturnType<typeof full>>
    }[] = []
    for (let round = 0; round < Number(values.rounds); round++)
      rounds.push({ own: await batched(), served: await full(health) })
    const middle = (of: (round: (typeof rounds)[number]) => number) => median(rounds.map(of))
    const ratios = rounds.map(({ own, served }) => served.rate / own.rate)
    const rate = middle((r) => r.served.rate)
    row('library, batches of 8', `${middle((r) => r.own.rate).toFixed(1)} images/s`)
    row(`server, concurrency ${clients}`, `${rate.toFixed(1)} images/s`)
    row('server over library: median, rounds', `${median(ratios).toFixed(2)}; ${ratios.map((r) => r.toFixed(2)).join(', ')}`) // prettier-ignore
    row('processor time of an image: library, worker, HTTP', [middle((r) => r.own.cpu), middle((r) => r.served.workers), middle((r) => r.served.http)].map(ms).join(', ')) // prettier-ignore
    const { text } = await call('GET', '/metrics')
    const metric = (name: string) => Number(new RegExp(`^${name} (\\S+)`, 'm').exec(text)?.[1])
    row('images in a batch, mean', (metric('cflow_batch_size_sum') / metric('cflow_batch_size_count')).toFixed(1)) // prettier-ignore
    row('delay of the HTTP process’s event loop: p50, p99', [metric('nodejs_eventloop_lag_p50_seconds'), metric('nodejs_eventloop_lag_p99_seconds')].map((t) => ms(1000 * t)).join(', ')) // prettier-ignore
    row('/v1/health meanwhile: p50, p99, most', spread(health))
    const single: number[] = []
    for (let i = 0; i < 60; i++) single.push(await predict(i))
    const alone = median(single)
    row('one image at a time', ms(alone))
    // images of a line: one every so many milliseconds, whether the last is answered or not
    const interval = 1000 / (rate / 2)
    const count = Math.round((2 * seconds * 1000) / interval)
    const times = await Promise.all(
      Array.from({ length: count }, async (_, i) => {
        await new Promise((r) => setTimeout(r, i * interval))
        return predict(i)
      }),
    )
    const p99 = percentile(times, 0.99)
    row('half the load: p50, p99', `${ms(percentile(times, 0.5))}, ${ms(p99)} (${(p99 / alone).toFixed(1)} times one image)`) // prettier-ignore
  }

  const training = async () => {
    const job = { kind: 'train', example: { kind: 'cable', train: 20, test: 0 }, settings: { recipe: 'paper', folds: 0, passes: 1000 } } // prettier-ignore
    const { id } = JSON.parse((await call('POST', '/v1/jobs', JSON.stringify(job))).text) as { id: string } // prettier-ignore
    type Job = { readonly status: string; readonly progress?: { readonly stage: string } }
    const jobNow = async () => JSON.parse((await call('GET', `/v1/jobs/${id}`)).text) as Job
    while ((await jobNow()).progress?.stage !== 'train') await new Promise((r) => setTimeout(r, 50))
    const alone: number[] = []
    await watchHealth(performance.now() + 1000 * seconds, alone)
    row('/v1/health while a training runs: p50, p99, most', spread(alone))
    const both: number[] = []
    const { rate } = await full(both)
    const { status } = await jobNow()
    row(`/v1/health while a training runs (${status}) and ${clients} clients ask: p50, p99, most`, `${spread(both)}; ${rate.toFixed(1)} images/s`) // prettier-ignore
    await call('POST', `/v1/jobs/${id}/cancel`)
  }

  const memory = async () => {
    const requests = Number(values.requests)
    const found: { readonly all: number; readonly http: number }[] = []
    const every = Math.max(clients, Math.floor(requests / 200 / clients) * clients)
    for (let i = 0; i < requests; i += clients) {
      await Promise.all(Array.from({ length: clients }, (_, k) => predict(i + k, `d${(i + k) % 5}`))) // prettier-ignore
      if (i % every === 0) found.push({ all: rssOf(child.pid!), http: rssOf(child.pid!, false) })
    }
    // it goes up and down with the garbage collector: the median of every tenth of the run
    const text = (of: (sample: (typeof found)[number]) => number) => {
      const size = Math.floor(found.length / 10)
      const tenths = Array.from({ length: 10 }, (_, t) =>
        median(found.slice(t * size, (t + 1) * size).map(of)),
      ).slice(1)
      const half = (Math.max(...tenths) - Math.min(...tenths)) / 2 / median(tenths)
      return `${(median(tenths) / 2 ** 20).toFixed(0)} MiB ± ${(100 * half).toFixed(1)} %: ${tenths.map((t) => (t / 2 ** 20).toFixed(0)).join(', ')}` // prettier-ignore
    }
    row(`memory over ${requests} requests to 5 detectors, from the second tenth on`, text((s) => s.all)) // prettier-ignore
    row(
      'of it the HTTP process',
      text((s) => s.http),
    )
  }

  try {
    // files that differ: of one file a worker would keep one
    for (const [i, copy] of copiesOf(model, 5).entries())
      await call('POST', `/v1/detectors/d${i}/versions`, copy)
    console.log(`${cpus()[0]?.model}, ${cpus().length} cores, ${threads} threads, Node ${process.version}, a detector of the built-in images (${library.manifest.encoder.name}, ${library.manifest.inputSize} pixels), PNG of ${(files[0]!.length / 1024).toFixed(0)} KiB\n`) // prettier-ignore
    console.log('| measured | value |\n| --- | --- |')
    await library.detectBatch(files, { batchSize: maxBatch })
    for (let i = 0; i < 5; i++) await predict(i, `d${i}`)
    if (only.has('throughput')) await throughput()
    if (only.has('training')) await training()
    if (only.has('memory')) await memory()
  } finally {
    agent.destroy()
    child.disconnect()
    await once(child, 'exit')
    await library.release()
    await rm(folder, { recursive: true, force: true })
  }
}

function ms(value: number): string {
  return `${value.toFixed(1)} ms`
}

function spread(sample: readonly number[]): string {
  return [percentile(sample, 0.5), percentile(sample, 0.99), Math.max(...sample)].map(ms).join(', ')
}

function percentile(sample: readonly number[], share: number): number {
  const sorted = [...sample].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN
}

/** Processes that a process started (Linux). */
function childrenOf(pid: number): readonly number[] {
  return readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8')
      .trim()
      .split(' ')
      .filter(Boolean)
      .map(Number),
  )
}

/** Memory of a process, and of its children, in bytes (Linux). */
function rssOf(pid: number, deep = true): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const own = 1024 * Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0)
  return deep ? childrenOf(pid).reduce((sum, child) => sum + rssOf(child), own) : own
}

/** Processor time of a process, and of its children, in milliseconds (Linux, whose clock ticks a hundred times a second). */
function cpuOf(pid: number): { readonly own: number; readonly children: number } {
  const ticks = (of: number) => {
    const fields = readFileSync(`/proc/${of}/stat`, 'utf8').split(') ')[1]!.split(' ')
    return 10 * (Number(fields[11]) + Number(fields[12]))
  }
  return { own: ticks(pid), children: childrenOf(pid).reduce((sum, c) => sum + ticks(c), 0) }
}
