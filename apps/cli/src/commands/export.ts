import { CflowError, ordered } from '@cflow/base'
import { writeFileAtomic } from '@cflow/base/node'
import type { Dataset, Sample } from '@cflow/datasets'
import { decodeImage } from '@cflow/datasets/node'
import { readDetector } from '@cflow/detector'
import {
  accuracyVerdict,
  exportHalf,
  exportInt8,
  type Accuracy,
  type Gate,
  type Images,
  type Int8Export,
} from '@cflow/quantization'
import type { Runtime } from '@cflow/runtimes'
import { evaluate } from '@cflow/trainer'
import { readFileSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import * as z from 'zod'
import { defineCommand } from '../command.js'
import { openImages } from '../dataset.js'
import { existing } from '../failure.js'
import { listing, megabytes, note, printJson, type Session } from '../io.js'
import { findImages } from '../predict/paths.js'
import { runtimeOf } from '../settings/machine.js'
import { usage } from '../settings/parse.js'
import {
  datasetShape,
  dir,
  machineShape,
  outputShape,
  overwrite,
  text,
  toggle,
} from '../settings/schema.js'
import { grouped } from '../settings/settings.js'

const schema = z.object({
  ...grouped('precision', {
    precision: z.enum(['fp16', 'int8']).meta({ help: 'of weights and products' }),
    calibration: text('good images, for int8', { ...dir, otherwise: 'those of --root' }),
    keepFloat: z
      .array(z.string().min(1))
      .default([])
      .meta({ help: 'layers to keep in float: names, with *' }),
    fallback: z
      .boolean()
      .default(true)
      .meta({
        help: 'keep the worst layers in float until the gate passes',
        negation: { key: 'noFallback', help: 'refuse when the gate does not pass at once' },
      }),
    ranges: z
      .enum(['auto', 'minmax', 'mse'])
      .default('auto')
      .meta({ help: 'of activations: minmax, mse or auto, the better one' }),
    margin: z.number().positive().max(100).default(1).meta({ help: 'factor on those ranges' }),
    reduceRange: toggle('weights of 7 bits', { otherwise: 'on x86 processors without VNNI' }),
  }),
  ...datasetShape,
  ...machineShape,
  out: text('file to write', {
    otherwise: 'MODEL.int8.onnx beside the detector',
    placeholder: 'FILE',
    group: 'output',
  }),
  overwrite,
  ...outputShape,
})

/** `cflow export`: a detector file of lower precision, written only when it has passed the accuracy gate. */
export const command = defineCommand({
  arguments: { model: 'detector file (model.onnx)' },
  settings: schema,
  async run(session, settings, path: string) {
    const { precision, root, dataset: kind } = settings
    const float = await readDetector(path)
    const named = root !== undefined || kind !== undefined
    const dataset = named ? await openImages(session, settings, float.manifest.category) : undefined
    const images = await calibrationImages(session, settings.calibration, dataset)
    const runtime = await runtimeOf(settings)
    const gate = dataset && labelledGate(float, dataset.test, runtime)
    const out = settings.out ?? path.replace(/(\.onnx)?$/i, `.${precision}.onnx`)
    await requireFree(out, path, settings.overwrite)

    let result: Pick<Int8Export, 'model'> & Partial<Int8Export>
    if (precision === 'fp16') {
      const { model } = exportHalf(float.model)
      const verdict = await gate?.(model)
      if (verdict && !verdict.passed)
        throw new CflowError('ACCURACY', `fp16 changes too much: ${verdict.text}`)
      result = { model, ...(verdict && { verdict }) }
    } else {
      if (!images)
        throw usage(
          '--calibration',
          '--precision int8 needs images to calibrate on',
          'give --calibration DIR with good images, or --root with the images the detector was trained on',
        )
      const { keepFloat, fallback, ranges: method, margin } = settings
      const { reduceRange = needsReducedRange() } = settings
      result = await exportInt8(float.model, {
        ...{ runtime, images, keepFloat, reduceRange, fallback, method, margin },
        ...(gate && { gate }),
        onProgress(stage, done, total) {
          session.io.signal.throwIfAborted()
          note(session, `${stage.padEnd(11)} ${done}/${total}`)
        },
      })
    }
    session.io.signal.throwIfAborted()
    await writeFileAtomic(out, result.model)

    const { verdict, method, kept, fellBack, layers = 0 } = result
    const bytes = { before: float.model.length, after: result.model.length }
    if (session.json)
      return printJson(session, {
        ...{ file: out, precision, bytes },
        ...(verdict && { gate: verdict.text }),
        ...(kept && { ranges: method, layers, keptInFloat: kept, fallback: fellBack }),
      })
    const rows: [string, string][] = [
      ['detector', `${out} (${megabytes(bytes.after)}, was ${megabytes(bytes.before)})`],
      ['gate', verdict?.text ?? 'not checked: no images were given'],
    ]
    if (kept) rows.push(['int8', `${layers - kept.length} of ${layers} layers`])
    if (kept?.length) rows.push(['float', kept.join(', ')])
    session.io.out(listing(rows))
  },
})

/** @throws CflowError USAGE where the file is the detector itself, EXISTS where there is one already */
async function requireFree(out: string, model: string, overwrite = false): Promise<void> {
  const found = await stat(out).catch(() => undefined)
  if (found === undefined) return
  const own = await stat(model)
  const isItself = own.ino === found.ino && own.dev === found.dev
  if (isItself)
    throw usage('--out', `${out} is the detector that is exported`, 'Choose another name.')
  if (!overwrite) throw existing(out)
}

/** The images to calibrate on: those of a folder, else the good images of the dataset; undefined without either. */
async function calibrationImages(
  session: Session,
  folder: string | undefined,
  dataset: Dataset | undefined,
): Promise<Images | undefined> {
  const files = folder === undefined ? [] : await findImages([folder])
  const loaders = files.map(
    ({ path }) =>
      () =>
        decodeImage(path),
  )
  const all = folder === undefined ? dataset?.train.map((s) => () => s.load()) : loaders
  if (!all) return undefined
  return async function* () {
    for await (const image of ordered(all, (load) => load())) {
      session.io.signal.throwIfAborted()
      yield image
    }
  }
}

/**
 * The gate over labelled images: AUROC of images and pixels against those of the float detector.
 * @returns undefined when the images are not of both kinds, so that there is no AUROC
 */
function labelledGate(
  float: Awaited<ReturnType<typeof readDetector>>,
  samples: readonly Sample[],
  runtime: Runtime,
): Gate | undefined {
  const kinds = new Set(samples.map((s) => s.label))
  if (!kinds.has('good') || !kinds.has('anomalous')) return undefined
  const accuracyOf = async (model: Uint8Array): Promise<Accuracy> => {
    const { evaluation } = await evaluate({ model, samples, runtime })
    return { image: evaluation.image.auroc, pixel: evaluation.pixel?.auroc }
  }
  let before: Promise<Accuracy> | undefined
  return async (model) =>
    accuracyVerdict(await (before ??= accuracyOf(float.model)), await accuracyOf(model))
}

/**
 * Whether int8 weights need seven bits on this machine: x86 without VNNI, whose 16-bit sums overflow with eight. False
 * where it cannot be told (only Linux lists what a processor can do); --reduce-range says so for other machines.
 */
export function needsReducedRange(arch: string = process.arch, cpuinfo = '/proc/cpuinfo'): boolean {
  if (arch !== 'x64' && arch !== 'ia32') return false
  try {
    return !/\b(avx512_vnni|avx_vnni|amx_int8)\b/.test(readFileSync(cpuinfo, 'utf8'))
  } catch {
    return false
  }
}
