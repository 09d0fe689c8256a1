import { CflowError } from '@cflow/base'
import { writeFileAtomic } from '@cflow/base/node'
import type { Sample } from '@cflow/datasets'
import { decodeImage, requireFolder, walkFolder } from '@cflow/datasets/node'
import { bestEpochs, type EpochEvaluation } from '@cflow/metrics'
import { methods, resolveConfig, type TrainConfig, type TrainOptions } from '@cflow/methods'
import {
  decodeCheckpoint,
  epochEvaluations,
  explainTuning,
  fit,
  splitHeldOut,
} from '@cflow/trainer'
import { fileCheckpoints, runPaths } from '@cflow/trainer/node'
import { join } from 'node:path'
import { defineCommand } from '../command.js'
import { openTrainingSet } from '../dataset.js'
import { prepareEncoder } from '../encoder.js'
import { note, type Session } from '../io.js'
import { inRunFolder, prepareFile } from '../run-folder.js'
import { everyScene } from '../scenes.js'
import { runtimeOf } from '../settings/machine.js'
import { usage } from '../settings/parse.js'
import { requireStrict } from '../settings/schema.js'
import { optionsOf, settingsOf, trainSettings, type TrainSettings } from '../settings/methods.js'
import { requireAuto } from '../settings/tuning.js'
import { chosenText, tuneSettings, tunedFile, tuningTable, type Tuning } from '../tuning.js'
import { conclude } from './conclude.js'

/** `cflow train`: from images to model.onnx, metrics.json, report.html and checkpoint/. */
export const command = defineCommand({ settings: trainSettings, run: train })

async function train(session: Session, settings: TrainSettings): Promise<void> {
  const began = performance.now()
  requireStrict(settings)
  requireAuto(settings)
  if (settings.scenes !== undefined) {
    const { out = join('runs', 'stc') } = settings
    return everyScene(session, { ...settings, out }, train)
  }
  if (settings.queue !== undefined)
    throw usage('--queue', 'one training is one part: give --scenes all, or use a server’s jobs')
  const prepared = await prepareEncoder(optionsOf(settings), settings)
  const dataset = await openTrainingSet(session, settings, prepared.config.inputSize)
  const { stopAfter, resume = false, protocol, evaluateAt, auto = false } = settings
  const runtime = await runtimeOf(settings)
  const { method } = prepared.config
  const name = method === methods[0].name ? dataset.category : `${dataset.category}-${method}`
  const out = settings.out ?? join('runs', name)
  const paths = runPaths(out)
  const files = fileCheckpoints(paths.checkpoint)
  const folder = {
    ...{ command: 'train', results: ['model', 'metrics', 'report', 'scores'] as const, resume },
    overwrite: settings.overwrite ?? false,
    checkpoint: 'passes' in prepared.config,
  }
  const knownDefects = await defectsIn(settings.knownDefects)
  const base = prepared.config
  const tuning = { settings, prepared, dataset, runtime }
  const config = auto ? await chosen(session, tuning, out, folder) : base
  const encoder = await prepared.open(runtime, config)
  for (const text of encoder.spec.assumed ?? []) note(session, text)
  const { training } = splitHeldOut(dataset.train, config)
  const positions = encoder.taps.reduce((n, s) => n + s.height * s.width, 0)
  const inPasses = 'passes' in config
  let written = false
  const seen: EpochEvaluation[] = []
  const epochs =
    inPasses && protocol === 'paper' && dataset.test.length > 0
      ? epochEvaluations({
          samples: dataset.test,
          runtime,
          passes: config.passes,
          onEvaluation: (epoch) => seen.push(epoch),
        })
      : undefined
  const options = {
    ...folder,
    vectorsPerPass: training.length * positions,
    interrupted: () => {
      if (!inPasses) return 'interrupted: there is nothing to resume'
      return written || resume
        ? `interrupted; the checkpoint is in ${paths.checkpoint}: add --resume to go on`
        : 'interrupted before the first checkpoint: there is nothing to resume'
    },
  }
  await inRunFolder(session, out, options, async (progress, run) => {
    // read once: the trainer gets what the user was told of
    const stored = resume ? await files.read() : undefined
    if (resume && stored === undefined)
      note(session, `no checkpoint in ${paths.checkpoint}: training from the start`)
    const fitted = await fit({
      samples: dataset.train,
      knownDefects,
      category: dataset.category,
      config,
      encoder,
      runtime,
      checkpoints: {
        read: () => Promise.resolve(stored),
        async write(bytes) {
          await run.begin()
          await files.write(bytes)
          written = true
        },
      },
      resume,
      ...(stopAfter !== undefined && { stopAfter }),
      onProgress: progress.onProgress,
      ...(epochs && { epochs }),
      ...(auto && { notes: { tuned: chosenText(base, config) } }),
      signal: session.io.signal,
    })
    const done = { config, dataset, knownDefects, runtime, protocol, evaluateAt, out, began }
    await conclude(session, { ...fitted, ...done, best: bestEpochs(seen) }, progress, run)
  })
}

/** The settings that tuning chooses, also written into the folder; of a training that is resumed those it has. */
async function chosen(
  session: Session,
  tuning: Omit<Tuning, 'onProgress'>,
  out: string,
  folder: Parameters<typeof inRunFolder>[2],
): Promise<TrainConfig> {
  const { settings } = tuning
  const stored = settings.resume && (await fileCheckpoints(runPaths(out).checkpoint).read())
  if (stored) return resolveConfig({ ...decodeCheckpoint(stored).config, ...settingsOf(settings) } as TrainOptions) // prettier-ignore
  const path = join(out, 'tuned.yaml')
  let config = tuning.prepared.config
  await inRunFolder(session, out, folder, async ({ onProgress, end }) => {
    await prepareFile(path, settings.overwrite ?? settings.resume)
    const result = await tuneSettings(session, { ...tuning, onProgress })
    await writeFileAtomic(path, tunedFile(settings, result))
    end()
    note(session, `${tuningTable(result)}\n${explainTuning(result)}\n`)
    config = result.config
  })
  return config
}

/** The images below a folder of known defects; none without one. */
async function defectsIn(folder: string | undefined): Promise<readonly Sample[]> {
  if (folder === undefined) return []
  await requireFolder(folder)
  const { images: names } = await walkFolder(folder)
  if (names.length === 0)
    throw new CflowError('EMPTY', `there are no images in ${folder}`, {
      subject: '--known-defects',
      hint: 'a handful of photographs of defective parts, as they come from the camera',
    })
  return names.map((id): Sample => {
    const path = join(folder, id)
    const load = () => decodeImage(path)
    return { id, path, split: 'test', label: 'anomalous', defect: 'known defect', load }
  })
}
