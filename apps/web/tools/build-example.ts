/**
 * The built-in examples: detectors trained on images that the workspace renders itself, and some images to try them on.
 * Written to `generated/`, which the site's build takes its files from: the detectors, for hosts that compress nothing, by gzip,
 * which browsers unpack. Beside them onnxruntime-web's WASM file, packed once here rather than at every build, and what unpacks
 * it: what a first visit fetches must be small.
 */
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { brotliCompress, constants, gzip } from 'node:zlib'
import sharp from 'sharp'
import { syntheticDataset, syntheticDefects, type Sample } from '@cflow/datasets'
import { decodeImage } from '@cflow/datasets/node'
import { loadDetector } from '@cflow/detector'
import { encoderModel, encoderSpec, type EncoderSpec } from '@cflow/encoders'
import { loadEncoderWeights } from '@cflow/encoders/node'
import { openRuntime } from '@cflow/runtimes'
import { exportHalf, storedAsBytes } from '@cflow/quantization'
import { readOnnx, topologicalOrder } from '@cflow/graph'
import { resolveConfig } from '@cflow/methods'
import { heatmapOverlay, heatRange } from '@cflow/report'
import { fit } from '@cflow/trainer'

const size = 320
const images = 60
const folder = join(dirname(fileURLToPath(import.meta.url)), '..', 'generated')
/** Constants with fewer numbers may say how to compute. */
const weightsFrom = 200
const temporary = `${folder}.${process.pid}.tmp`

/**
 * Small files: of the encoder's taps the first ones, of the flows fewer layers, and fewer vectors remembered than by default. So
 * many held-out images that the usual rates of 5 % and more are guaranteed.
 */
const small = { heldOut: 0.35, couplingLayers: 2, coupling: 'additive', remembered: 600 } as const

/** For strands and threads, which are fine. */
const fine = { ...small, poolLayers: 1, neighbourhoods: '3' } as const
const atTwoSizes = resolveConfig({ ...fine, imageScales: 2 })

/** Two scales of each; of a part whole holes must be seen. */
const kinds = {
  cable: atTwoSizes,
  part: resolveConfig({ ...small, poolLayers: 2, neighbourhoods: '3,3' }),
  mesh: atTwoSizes,
}
type Kind = keyof typeof kinds
/** The one that a first visit loads. */
const first: Kind = 'cable'

/** For an engine to rehearse with: as little as calls for the same code. */
const rehearsed = resolveConfig({ ...fine, couplingLayers: 1, remembered: 8, passes: 0 })

const full = encoderSpec(resolveConfig().encoder)

/** The encoder as far as a tap, its weights stored as bytes. */
const cut = (count: number): EncoderSpec => ({
  ...full,
  taps: full.taps.slice(0, count),
  build(image, weights) {
    const taps = full.build(image, weights).slice(0, count)
    return Object.values(storedAsBytes(Object.fromEntries(taps.map((t, k) => [`tap${k}`, t]))))
  },
})

/** Bytes of the files, to tell how much of them has come; `wasm` is unpacked. */
const sizes: Record<string, number> = {}

const weights = await loadEncoderWeights(full.name)
const runtime = await openRuntime()

async function webp(sample: Sample): Promise<Buffer> {
  const { width, height, data } = await sample.load()
  return sharp(data, { raw: { width, height, channels: 3 } })
    .webp({ quality: 90 })
    .toBuffer()
}

const trained = (category: Kind, samples: readonly Sample[], config: typeof rehearsed) =>
  fit({
    samples,
    category,
    config,
    encoder: encoderModel(cut(config.poolLayers), weights, config.poolLayers, config.inputSize),
    runtime,
  })

async function build(kind: Kind): Promise<void> {
  const dataset = syntheticDataset({ kind, size, train: images, test: 18, seed: 0 })
  // of the kind that is shown
  const samples = dataset.train.map((sample) => ({
    ...sample,
    load: async () => decodeImage(await webp(sample)),
  }))
  const { model, manifest, seconds } = await trained(kind, samples, kinds[kind])
  /** Two good images, and the first of every type of defect. */
  const good = dataset.test.filter((s) => s.label === 'good').slice(0, 2)
  const bad = syntheticDefects(kind).map(
    (defect) => dataset.test.find((s) => s.defect === defect) as Sample,
  )
  const shown = join(temporary, 'images', kind)
  await mkdir(shown, { recursive: true })
  for (const [k, sample] of [...bad.slice(0, 1), ...good, ...bad.slice(1)].entries()) {
    await writeFile(join(shown, `${k}-${sample.defect}.webp`), await webp(sample))
  }
  const picture = await webp(bad[0]!)
  await mkdir(join(temporary, 'pictures'), { recursive: true })
  // twice what it takes on the page
  await sharp(picture)
    .resize(112, 112)
    .webp({ quality: 80 })
    .toFile(join(temporary, 'pictures', `${kind}.webp`))
  // weights as float16: half the download; computed in float32 all the same
  const stored = exportHalf(model).model
  await writeFile(join(temporary, `${kind}.onnx`), stored)
  sizes[kind] = await gzipped(kind, stored)
  if (kind === first) {
    const { model } = await trained(kind, samples, rehearsed)
    await gzipped('rehearsal', emptied(exportHalf(model).model))
    await share(stored, picture)
  }
  const mb = (sizes[kind] / 1e6).toFixed(2)
  console.log(
    `${kind}: ${manifest.training.images} images, ${mb} MB, threshold ${manifest.calibration.threshold.toFixed(2)}, seconds`,
    seconds,
  )
}

/** What is shown where the page is linked to: the first picture, and what the detector says of it. */
async function share(model: Uint8Array, picture: Buffer): Promise<void> {
  const image = await decodeImage(picture)
  const detector = await loadDetector(model)
  const { anomalyMap, threshold } = await detector.detect(image)
  await detector.release()
  const drawn = heatmapOverlay(image, anomalyMap, heatRange([anomalyMap], threshold), threshold)
  const [width, height, edge] = [1200, 630, 555]
  const gap = (width - 2 * edge) / 3
  const top = Math.floor((height - edge) / 2)
  const pictures = [image, drawn].map(async ({ width, height, data }, k) => ({
    input: await sharp(data, { raw: { width, height, channels: 3 } })
      .resize(edge, edge)
      .png()
      .toBuffer(),
    ...{ top, left: gap + k * (edge + gap) },
  }))
  await sharp({ create: { width, height, channels: 3, background: '#14171b' } })
    .composite(await Promise.all(pictures))
    .jpeg({ quality: 88 })
    .toFile(join(temporary, 'share.jpg'))
}

/**
 * A file with zeros for weights, of which gzip leaves next to nothing: what an engine compiles to load and run a detector is
 * compiled by this one, while the other is on its way.
 */
function emptied(model: Uint8Array): Uint8Array {
  const empty = Buffer.from(model)
  for (const node of topologicalOrder(Object.values(readOnnx(model).outputs))) {
    if (node.kind !== 'constant' || node.tensor.data.length < weightsFrom) continue
    const { buffer, byteOffset, byteLength } = node.tensor.data as Uint8Array
    const at = empty.indexOf(Buffer.from(buffer, byteOffset, byteLength))
    // not found: one that was emptied with another like it
    if (at >= 0) empty.fill(0, at, at + byteLength)
  }
  return empty
}

/** Not named .gz: some hosts let the browser unpack that. @returns bytes */
async function gzipped(name: string, bytes: Uint8Array): Promise<number> {
  const packed = await promisify(gzip)(bytes, { level: 9 })
  await writeFile(join(temporary, `${name}.gzipped`), packed)
  return packed.length
}

/**
 * Compressed here, for hosts that compress no WASM; smaller by a third than what gzip makes of it. Not named .br: hosts that take
 * it for a version of another file let the browser unpack it.
 */
async function packRuntime(): Promise<void> {
  const { resolve } = createRequire(import.meta.url)
  await gzipped('unpacker', await readFile(resolve('brotli-dec-wasm/web/bg.wasm')))
  const bytes = await readFile(resolve('onnxruntime-web/ort-wasm-simd-threaded.wasm'))
  const packed = await promisify(brotliCompress)(bytes, {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: 11,
      [constants.BROTLI_PARAM_LGWIN]: 24,
      [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
    },
  })
  await writeFile(join(temporary, 'ort-wasm-simd-threaded.packed'), packed)
  sizes['packed'] = packed.length
  sizes['wasm'] = bytes.length
  console.log(`onnxruntime-web: ${(packed.length / 1e6).toFixed(2)} MB`)
}

await mkdir(temporary, { recursive: true })
const packing = packRuntime()
for (const kind of Object.keys(kinds) as Kind[]) await build(kind)
await packing
await writeFile(join(temporary, 'sizes.json'), JSON.stringify(sizes))
await rm(folder, { recursive: true, force: true })
await rename(temporary, folder)
