import { readingLines, syntheticDataset, type Dataset } from '@cflow/datasets'
import { openDataset } from '@cflow/datasets/node'
import { readDetector } from '@cflow/detector'
import { encoderModel, encoderSpec, normalised } from '@cflow/encoders'
import { listEncoders, loadEncoderWeights } from '@cflow/encoders/node'
import { resolveConfig, type TrainConfig } from '@cflow/methods'
import { openRuntime } from '@cflow/runtimes'
import { bestEpochs, type EpochEvaluation } from '@cflow/metrics'
import { writeFileAtomic } from '@cflow/base/node'
import {
  epochEvaluations,
  explainTuning,
  fit,
  tune,
  updateDetector,
  type CheckpointStore,
  type OnProgress,
} from '@cflow/trainer'
import { conclusion, jsonText } from '@cflow/trainer/node'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  optionsOf,
  type EvaluateInput,
  type JobInput,
  type TrainInput,
  type TuneInput,
  type UpdateInput,
} from './kinds.js'
import { summaryOf } from '../summary.js'
import { checkpointName, modelName, type FromJob, type JobFile, type Task } from './protocol.js'

/** Who watches the work. */
export interface Watcher {
  readonly onProgress: OnProgress
  readonly signal: AbortSignal
  log(text: string): void
  onCheckpoint(): void
}

type Done = Omit<Extract<FromJob, { type: 'done' }>, 'type'>
type Work<I extends JobInput> = (task: Task, input: I, watcher: Watcher) => Promise<Done>

const work: { readonly [K in JobInput['kind']]: Work<Extract<JobInput, { kind: K }>> } = {
  train,
  tune: chooseSettings,
  evaluate,
  update,
}

/** Does a job, from its beginning or its checkpoint to its end. */
export const perform = (task: Task, watcher: Watcher): Promise<Done> =>
  (work[task.input.kind] as Work<JobInput>)(task, task.input, watcher)

async function train(task: Task, input: TrainInput, watcher: Watcher): Promise<Done> {
  const began = performance.now()
  const config = resolveConfig(optionsOf(input))
  const spec = normalised(encoderSpec(config.encoder), config.normalisation)
  const weights = await loadEncoderWeights(spec.name)
  const dataset = await imagesOf(task, { inputSize: config.inputSize, watcher })
  const runtime = await runtimeOf(task)
  const seen: EpochEvaluation[] = []
  const epochs =
    'passes' in config && input.protocol === 'paper' && dataset.test.length > 0
      ? epochEvaluations({
          ...{ samples: dataset.test, runtime, passes: config.passes },
          onEvaluation: (epoch) => seen.push(epoch),
        })
      : undefined
  const { onProgress, signal } = watcher
  const fitted = await fit({
    ...{ samples: dataset.train, category: dataset.category, config, runtime, onProgress, signal },
    encoder: encoderModel(spec, weights, config.poolLayers, config.inputSize),
    checkpoints: checkpointsOf(task, watcher),
    resume: true,
    ...(epochs && { epochs }),
  })
  await writeFileAtomic(join(task.out, modelName), fitted.model)
  const { calibration: images, defectScores } = fitted
  const calibrated = { images, knownDefects: [], defectScores }
  return conclude(task, watcher, { ...fitted, began, config, dataset, runtime, calibrated, best: bestEpochs(seen) }) // prettier-ignore
}

/** Settings chosen by defects that are made up on good images, and with `train` the detector that they give. */
async function chooseSettings(task: Task, input: TuneInput, watcher: Watcher): Promise<Done> {
  const began = performance.now()
  const { onProgress, signal } = watcher
  const config = resolveConfig(optionsOf(input))
  const dataset = await imagesOf(task, { inputSize: config.inputSize, watcher })
  const runtime = await runtimeOf(task)
  const encoderOf = async (config: TrainConfig) => {
    const spec = normalised(encoderSpec(config.encoder), config.normalisation)
    const weights = await loadEncoderWeights(spec.name)
    return encoderModel(spec, weights, config.poolLayers, config.inputSize)
  }
  const encoders = (await listEncoders()).filter((e) => e.weights !== 'missing')
  const stores = await twoStages(checkpointsOf(task, watcher))
  const tuned = await tune({
    ...{ samples: dataset.train, category: dataset.category, config, runtime, encoderOf },
    fixed: Object.keys(input.settings ?? {}),
    encoders: encoders.map((e) => e.spec.name),
    ...{ budget: input.budget, minutes: input.minutes, onProgress, signal },
    ...{ checkpoints: stores.search, resume: true },
  })
  const { changes, rows, heldOut, folds, defects, rounds, level, seconds } = tuned
  const settings = { ...input.settings, ...changes } as Readonly<Record<string, unknown>>
  const explanation = explainTuning(tuned)
  watcher.log(explanation)
  const table = { settings, changes, explanation, candidates: rows, heldOut, folds, defects, rounds, level, seconds } // prettier-ignore
  await writeFileAtomic(join(task.out, 'tuned.json'), jsonText(table))
  const file: JobFile = { name: 'tuned.json', type: 'application/json' }
  const chosen = { settings, explanation }
  if (!input.train) return { files: [file], metrics: {}, ...chosen }
  const fitted = await fit({
    ...{ samples: dataset.train, category: dataset.category, config: tuned.config, runtime },
    ...{ onProgress, signal, encoder: await encoderOf(tuned.config) },
    ...{ checkpoints: stores.training, resume: true },
  })
  await writeFileAtomic(join(task.out, modelName), fitted.model)
  const calibrated = { images: fitted.calibration, knownDefects: [], defectScores: fitted.defectScores } // prettier-ignore
  const done = await conclude(task, watcher, { ...fitted, began, config: tuned.config, dataset, runtime, calibrated }) // prettier-ignore
  return { ...done, files: [...done.files, file], ...chosen }
}

async function evaluate(task: Task, _input: EvaluateInput, watcher: Watcher): Promise<Done> {
  const began = performance.now()
  const { model, manifest } = await readDetector(task.model!)
  const dataset = await imagesOf(task, { trained: manifest.category, watcher })
  const runtime = await runtimeOf(task)
  return conclude(task, watcher, { model, manifest, dataset, runtime, began })
}

/** Good images, such as false alarms, taken up into a detector: what it says of them before and after is in `updated.json`. */
async function update(task: Task, _input: UpdateInput, watcher: Watcher): Promise<Done> {
  const began = performance.now()
  const { model: before, manifest: own } = await readDetector(task.model!)
  const dataset = await imagesOf(task, { trained: own.category, watcher })
  const runtime = await runtimeOf(task)
  const { onProgress, signal } = watcher
  const date = new Date().toISOString().slice(0, 10)
  const updated = await updateDetector({ model: before, samples: dataset.train, runtime, date, onProgress, signal }) // prettier-ignore
  const { model, manifest, images, threshold, above, seconds } = updated
  await writeFileAtomic(join(task.out, modelName), model)
  await writeFileAtomic(join(task.out, 'updated.json'), jsonText({ threshold, above, images }))
  const done = await conclude(task, watcher, { model, manifest, dataset, runtime, began, seconds })
  return { ...done, files: [...done.files, { name: 'updated.json', type: 'application/json' }] }
}

type Outcome = Omit<Parameters<typeof conclusion>[0], 'made' | 'protocol' | 'evaluateAt'>

/** Measures a detector and writes what came of it. */
async function conclude(
  { input, out }: Task,
  { onProgress, signal, log }: Watcher,
  outcome: Outcome,
): Promise<Done> {
  const { protocol, evaluateAt, dataset: folder } = input
  const { judgement, metrics, pages } = await conclusion({
    ...outcome,
    ...{ protocol, evaluateAt, made: { folder } },
    onProgress(progress) {
      signal.throwIfAborted()
      onProgress(progress)
    },
  })
  signal.throwIfAborted()
  const texts = {
    'metrics.json': [jsonText(metrics), 'application/json'],
    'report.html': [pages!.report, 'text/html; charset=utf-8'],
    'scores.csv': [pages!.scores, 'text/csv; charset=utf-8'],
  } as const
  const files: JobFile[] = []
  for (const [name, [text, type]] of Object.entries(texts)) {
    await writeFileAtomic(join(out, name), text)
    files.push({ name, type })
  }
  for (const remark of judgement.remarks ?? []) log(remark)
  if (input.kind === 'evaluate') return { files, metrics }
  return {
    files: [...files, { name: modelName, type: 'application/octet-stream' }],
    metrics,
    summary: summaryOf(outcome.manifest),
  }
}

async function imagesOf(
  { input, images }: Task,
  context: { readonly inputSize?: number; readonly trained?: string; readonly watcher: Watcher },
): Promise<Dataset> {
  if (input.example) return syntheticDataset({ seed: 0, ...input.example })
  const { watcher, ...rest } = context
  const { signal } = watcher
  // a root alone is a folder of images
  const settings = { root: images!, category: input.dataset! }
  const dataset = await openDataset(settings, { ...rest, signal })
  const { reading } = dataset
  if (!reading) return dataset
  for (const line of readingLines(reading)) watcher.log(line)
  // where it lies here says nothing to who asked
  return { ...dataset, reading: { ...reading, root: input.dataset! } }
}

const runtimeOf = ({ device, threads }: Task) =>
  openRuntime({
    ...(device !== undefined && { device }),
    ...(threads !== undefined && { threads }),
  })

/** A search's checkpoint and that of the training after it in one: the length of the first, the first, the second. */
async function twoStages(
  store: CheckpointStore,
): Promise<{ readonly search: CheckpointStore; readonly training: CheckpointStore }> {
  // prettier-ignore
  const bytes = await store.read()
  const view = bytes && Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  const cut = view ? 4 + view.readUInt32LE() : 0
  let first: Uint8Array | undefined = view?.subarray(4, cut)
  const second = view && view.length > cut ? view.subarray(cut) : undefined
  const write = (search: Uint8Array, training: Uint8Array) => {
    const length = Buffer.alloc(4)
    length.writeUInt32LE(search.length)
    return store.write(Buffer.concat([length, search, training]))
  }
  return {
    search: {
      read: () => Promise.resolve(first),
      write: (bytes) => write((first = bytes), new Uint8Array()),
    },
    training: {
      read: () => Promise.resolve(second),
      write: (bytes) => write(first ?? new Uint8Array(), bytes),
    },
  }
}

function checkpointsOf(task: Task, watcher: Watcher): CheckpointStore {
  const { checkpoint, out } = task
  return {
    read: async () => (checkpoint === undefined ? undefined : readFile(checkpoint)),
    async write(bytes) {
      await writeFileAtomic(join(out, checkpointName), bytes)
      watcher.onCheckpoint()
    },
  }
}
