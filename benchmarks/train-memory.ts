/**
 * Peak resident size of one training pass over synthetic images, as JSON: in all, and when each stage was over.
 *
 *     node --conditions=@cflow/source --import tsx benchmarks/train-memory.ts ENCODER IMAGES [PASSES] [THREADS]
 *
 * Images are PNG files, eight different ones again and again; nothing here holds them.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { syntheticDataset, type Sample } from '../packages/datasets/src/index.js'
import { decodeImage, writePng } from '../packages/datasets/src/node.js'
import { encoderModel, encoderSpec } from '../packages/encoders/src/index.js'
import { resolveConfig } from '../packages/methods/src/index.js'
import { openRuntime } from '../packages/runtimes/src/index.node.js'
import { fit } from '../packages/trainer/src/index.node.js'
import { randomWeights } from '../packages/experiments/src/complexity/weights.js'

const [name = 'efficientnet-lite0', images = '32', passes = '1', threads] = process.argv.slice(2)
const megabytes = () => Math.round(process.resourceUsage().maxRSS / 1000)
const folder = mkdtempSync(join(tmpdir(), 'cflow-memory-'))
try {
  const { train } = syntheticDataset({ kind: 'cable', size: 512, train: 8, test: 1 })
  for (const [i, sample] of train.entries())
    await writePng(join(folder, `${i}.png`), await sample.load())
  const samples = Array.from({ length: Number(images) }, (_, i): Sample => {
    const path = join(folder, `${i % 8}.png`)
    const id = `${i}`
    return {
      id,
      split: 'train',
      label: 'good',
      defect: 'good',
      path,
      load: () => decodeImage(path),
    }
  })
  const config = resolveConfig({ encoder: name, passes: Number(passes) })
  const spec = encoderSpec(name)
  const weights = randomWeights(spec)
  const encoder = encoderModel(spec, weights, config.poolLayers, config.inputSize)
  const runtime = await openRuntime(threads ? { threads: Number(threads) } : {})
  const before = megabytes()
  const peaks: Record<string, number> = {}
  const started = performance.now()
  await fit({
    samples,
    category: 'cable',
    config,
    encoder,
    runtime,
    onProgress: ({ stage }) => (peaks[stage] = megabytes()),
  })
  const seconds = (performance.now() - started) / 1000
  console.log(JSON.stringify({ megabytes: megabytes(), seconds, before, peaks }))
} finally {
  rmSync(folder, { recursive: true })
}
