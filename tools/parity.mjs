// node tools/parity.mjs BEFORE_CHECKOUT [AFTER_CHECKOUT=.]: two checkouts of this project (both installed) make detectors
// with the same scores. Each trains the settings below with its own command; both files are run on the same images by one
// onnxruntime-node and compared bit for bit, and the newer command reads what the older one has written.
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

const settings = [
  '',
  '--recipe paper --passes 2',
  '--permutation hard',
  '--permutation soft',
  '--unconditional',
  '--pool-layers 2',
  '--aggregation joint',
  '--rotation 5',
  '--method padim',
  '--method dfr',
  '--method differnet',
  '--method spade',
]
// one thread: the order of sums does not depend on what else the machine does
const common = '--dataset synthetic --category mesh --train-images 12 --test-images 6 --input-size 64 --seed 0 --threads 1 --quiet' // prettier-ignore

const [before, after] = [process.argv[2], process.argv[3] ?? '.'].map((dir) => dir && resolve(dir))
if (!before) {
  console.error('usage: node tools/parity.mjs BEFORE_CHECKOUT [AFTER_CHECKOUT=.]')
  process.exit(2)
}
const ort = createRequire(join(after, 'packages/runtimes/package.json'))('onnxruntime-node')
const sharp = createRequire(join(after, 'packages/datasets/package.json'))('sharp')

/** Run the command of a checkout. @returns its exit code and what it printed */
function cflow(checkout, args) {
  const main = join('apps', 'cli', 'src', 'main.ts')
  const child = spawn(process.execPath, ['--conditions=@cflow/source', '--import', 'tsx', main, ...args], { cwd: checkout }) // prettier-ignore
  let [stdout, stderr] = ['', '']
  child.stdout.on('data', (text) => (stdout += text))
  child.stderr.on('data', (text) => (stderr += text))
  return new Promise((done) => child.on('close', (code) => done({ code, stdout, stderr })))
}

async function train(checkout, setting, out) {
  const more = setting.split(' ').filter(Boolean)
  const { code, stderr } = await cflow(checkout, ['train', ...common.split(' '), ...more, '--out', out]) // prettier-ignore
  if (code !== 0) throw new Error(`${checkout}: ${stderr.trim()}`)
}

const uint8 = (data, ...dims) => ({ dims, data: Uint8Array.from(data) })
let state = 1
const noise = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) >>> 24
/** Crossing threads, as in the built-in images, with a dark spot where `spot` is. */
const threads = (n, spot) =>
  Array.from({ length: n * n * 3 }, (_, i) => {
    const [x, y] = [Math.floor(i / 3) % n, Math.floor(i / 3 / n)]
    const weave = 140 + 50 * Math.sin(x) * Math.sin(y + 0.3) + (noise() >> 4)
    return spot && Math.hypot(x - spot, y - spot) < n / 10 ? weave / 3 : weave
  })
const images = [
  ...[[64, 64], [97, 61], [31, 128]].map(([h, w]) => uint8(Array.from({ length: h * w * 3 }, noise), 1, h, w, 3)), // prettier-ignore
  uint8(threads(96), 1, 96, 96, 3),
  uint8(threads(96, 40), 1, 96, 96, 3),
  // a batch of two
  uint8([...threads(64), ...threads(64, 20)], 2, 64, 64, 3),
]

/** Scores and maps of the images above, one array after the other. */
async function outputs(file) {
  const session = await ort.InferenceSession.create(file, { intraOpNumThreads: 1, logSeverityLevel: 3 }) // prettier-ignore
  const all = []
  for (const { data, dims } of images) {
    const { score, anomaly_map: map } = await session.run({ image: new ort.Tensor('uint8', data, dims) }) // prettier-ignore
    all.push(...score.data, ...map.data)
  }
  await session.release()
  return Float32Array.from(all)
}

function compareBits(a, b) {
  const [left, right] = [a, b].map(({ buffer }) => new Uint32Array(buffer))
  const same = left.length === right.length && left.every((bits, i) => bits === right[i])
  const difference = a.length === b.length ? a.reduce((max, x, i) => Math.max(max, Math.abs(x - b[i])), 0) : Infinity // prettier-ignore
  return { same, difference }
}

/** Metrics of images, pixels and the threshold, to 1e-6 of their size. */
function compareMetrics(a, b) {
  const figures = (dir) => {
    const { image, pixel, operatingPoint } = JSON.parse(readFileSync(join(dir, 'metrics.json'), 'utf8')) // prettier-ignore
    return Object.entries({ image, pixel, operatingPoint })
      .flatMap(([part, values]) => Object.entries(values).map(([k, v]) => [`${part}.${k}`, v]))
      .filter(([, value]) => typeof value === 'number')
  }
  const [left, right] = [figures(a), new Map(figures(b))]
  const difference = left.reduce((max, [key, x]) => {
    const y = right.get(key) ?? Infinity
    return Math.max(max, x === y ? 0 : Math.abs(x - y) / Math.abs(x))
  }, 0)
  return { same: left.length > 0 && difference <= 1e-6, difference }
}

async function comparePredictions(model, photos) {
  const [old, recent] = await Promise.all([before, after].map((checkout) => cflow(checkout, ['predict', model, photos, '--json']))) // prettier-ignore
  if (recent.code !== 0) return `not read: ${recent.stderr.trim().split('\n')[0]}`
  return old.stdout === recent.stdout ? 'same' : 'differs'
}

/** Two folders of results: detector files bit for bit where both have one, metrics, and how the old file is read. */
async function compare(a, b, photos) {
  const files = [a, b].map((folder) => join(folder, 'model.onnx'))
  const sizes = files.map((file) => (existsSync(file) ? statSync(file).size : undefined))
  const bits = sizes.every(Boolean) && compareBits(...(await Promise.all(files.map(outputs))))
  const metrics = compareMetrics(a, b)
  const read = sizes[0] ? await comparePredictions(files[0], photos) : '–'
  const same = (!bits || bits.same) && metrics.same && ['same', '–'].includes(read)
  return {
    'bytes before': sizes[0] ?? 'no file',
    after: sizes[1] ?? 'no file',
    'max |Δ| of scores': bits ? bits.difference : '–',
    'relative Δ of metrics': metrics.difference,
    'old file read': read,
    result: same ? 'same' : 'differs',
  }
}

const began = Date.now()
const dir = mkdtempSync(join(tmpdir(), 'cflow-parity-'))
try {
  const photos = join(dir, 'photos')
  mkdirSync(photos)
  for (const [i, { data, dims }] of images.entries())
    if (dims[0] === 1)
      await sharp(data, { raw: { width: dims[2], height: dims[1], channels: 3 } })
        .png()
        .toFile(join(photos, `${i}.png`))

  const rows = []
  const row = async (setting, oldArgs, newArgs, prepare = () => undefined) => {
    const [a, b] = [join(dir, `${rows.length}a`), join(dir, `${rows.length}b`)]
    try {
      await prepare(b)
      await Promise.all([train(before, oldArgs, a), train(after, newArgs, b)])
      rows.push({ setting, ...(await compare(a, b, photos)) })
    } catch (error) {
      console.error(`${setting}: ${error.message}`)
      rows.push({ setting, result: 'fails' })
    }
    for (const folder of [a, b]) rmSync(folder, { recursive: true, force: true })
  }
  for (const setting of settings) await row(setting || '(default)', setting, setting)
  // a training that the older command has begun
  await row('--resume of an old checkpoint', '', '--resume', (b) => train(before, '--stop-after 2', b)) // prettier-ignore

  console.table(rows)
  const different = rows.filter(({ result }) => result !== 'same').length
  console.log(
    `${rows.length - different} of ${rows.length} settings give the same scores; ${((Date.now() - began) / 1000).toFixed(0)} s.`,
  )
  process.exitCode = different > 0 ? 1 : 0
} finally {
  rmSync(dir, { recursive: true, force: true })
}
