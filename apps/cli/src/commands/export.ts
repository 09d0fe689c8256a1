import { CflowError } from '@cflow/base'
import { writeFileAtomic } from '@cflow/base/node'
import { openDataset } from '@cflow/datasets/node'
import { readDetector } from '@cflow/detector'
import { exportHalf, exportInt8 } from '@cflow/quantization'
import type { Int8Export, Verdict } from '@cflow/quantization'
import { nodeRuntime } from '@cflow/runtimes/node'
import { labelledGate } from '../export/gate.js'
import { calibrationImages, required } from '../export/images.js'
import { needsReducedRange } from '../export/vnni.js'
import { note, printJson } from '../io.js'
import type { Session } from '../io.js'
import { deviceOptions } from '../settings/device.js'
import { resolveSettings } from '../settings/resolve.js'
import { exportSchema } from '../settings/schema.js'

/** `cflow export`: a detector file of lower precision, written only when it has passed the accuracy gate. */
export async function exportModel(session: Session, path: string, flags: object): Promise<void> {
  const settings = await resolveSettings(session, flags, exportSchema)
  const { precision, root, dataset: kind } = settings
  const float = await readDetector(path)
  const named = root !== undefined || kind !== undefined
  const dataset = named ? await openDataset(settings, { trained: float.manifest.category }) : undefined
  const given = await calibrationImages(session, settings.calibration, dataset)
  const runtime = await nodeRuntime(deviceOptions(settings))
  const gate = dataset && labelledGate(float, dataset.test, runtime)
  const out = settings.out ?? path.replace(/(\.onnx)?$/i, `.${precision}.onnx`)

  let result: { model: Uint8Array; verdict?: Verdict } & Partial<Int8Export>
  if (precision === 'fp16') {
    const { model } = exportHalf(float.model)
    const verdict = await gate?.(model)
    if (verdict && !verdict.passed)
      throw new CflowError('ACCURACY', `fp16 changes too much: ${verdict.text}`)
    result = { model, ...(verdict && { verdict }) }
  } else {
    const { keepFloat = [], fallback, ranges, margin, reduceRange } = settings
    result = await exportInt8(float.model, {
      runtime,
      images: required(given),
      keepFloat: layersIn(keepFloat),
      reduceRange: reduceRange ?? needsReducedRange(),
      ...(fallback !== undefined && { fallback }),
      ...(ranges && { method: ranges }),
      ...(margin !== undefined && { margin }),
      ...(gate && { gate }),
      onProgress: stages(session),
    })
  }
  session.io.signal.throwIfAborted()
  await writeFileAtomic(out, result.model)

  const { verdict, method, kept, fellBack, layers } = result
  const bytes = { before: float.model.length, after: result.model.length }
  const gateText = verdict?.text ?? 'not checked: no images were given'
  if (session.json)
    printJson(session, {
      file: out,
      precision,
      bytes,
      ...(verdict && { gate: verdict.text }),
      ...(kept && { ranges: method, layers, keptInFloat: kept, fallback: fellBack }),
    })
  else {
    const megabytes = (n: number) => `${(n / 1e6).toFixed(1)} MB`
    const rows = [
      ['detector', `${out} (${megabytes(bytes.after)}, was ${megabytes(bytes.before)})`],
      ['gate', gateText],
      ...(kept ? [['int8', `${(layers ?? 0) - kept.length} of ${layers} layers`]] : []),
      ...(kept?.length ? [['float', kept.join(', ')]] : []),
    ]
    session.io.out(rows.map(([name, text]) => `${name!.padEnd(10)} ${text}\n`).join(''))
  }
}

const layersIn = (keepFloat: string | readonly string[]): readonly string[] =>
  (typeof keepFloat === 'string' ? keepFloat.split(',') : keepFloat)
    .map((name) => name.trim())
    .filter((name) => name !== '')

/** A line on standard error when a stage begins or goes on. */
function stages(session: Session): (stage: string, done: number, total: number) => void {
  return (stage, done, total) => {
    session.io.signal.throwIfAborted()
    note(session, `${stage.padEnd(11)} ${done}/${total}`)
  }
}
