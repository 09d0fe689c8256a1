import { writeFileAtomic } from '@cflow/base/node'
import { bestEpochs, type EpochEvaluation } from '@cflow/metrics'
import { methods, type TrainConfig } from '@cflow/methods'
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
import { inRunFolder } from '../run-folder.js'
import { everyScene } from '../scenes.js'
import { runtimeOf } from '../settings/machine.js'
import { requireStrict } from '../settings/schema.js'
import { optionsOf, trainSettings, type TrainSettings } from '../settings/methods.js'
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
  const prepared = await prepareEncoder(optionsOf(settings), settings)
  const dataset = await openTrainingSet(session, settings, prepared.config.inputSize)
  const { stopAfter, resume = false, protocol, evaluateAt, auto = false } = settings
  const runtime = await runtimeOf(settings)
  const { method } = prepared.config
  const name = method === methods[0].name ? dataset.category : `${dataset.category}-${method}`
  const out = settings.out ?? join('runs', name)
  const paths = runPaths(out)
  const base = prepared.config
  const config = auto ? await chosen(session, settings, { prepared, dataset, runtime, out }) : base
  const encoder = await prepared.open(runtime, config)
  for (const text of encoder.spec.assumed ?? []) note(session, text)
  const { training, heldOut } = splitHeldOut(dataset.train, config)
  const positions = encoder.taps.reduce((n, s) => n + s.height * s.width, 0)
  const files = fileCheckpoints(paths.checkpoint)
  const inPasses = 'passes' in config
  let written = false
  const seen: EpochEvaluation[] = []
  const epochs =
    inPasses && protocol === 'paper' && dataset.test.length > 0
      ? epochEvaluations({
          samples: dataset.test,
          encoder,
          runtime,
          passes: config.passes,
          onEvaluation: (epoch) => seen.push(epoch),
        })
      : undefined
  const options = {
    checkpoint: inPasses,
    vectorsPerPass: training.length * positions,
    interrupted: () => {
      if (!inPasses) return 'interrupted: there is nothing to resume'
      return written || resume
        ? `interrupted; the checkpoint is in ${paths.checkpoint}: add --resume to go on`
        : 'interrupted before the first checkpoint: there is nothing to resume'
    },
  }
  await inRunFolder(session, out, options, async (progress) => {
    // read once: the trainer gets what the user was told of
    const stored = resume ? await files.read() : undefined
    if (resume && stored === undefined)
      note(session, `no checkpoint in ${paths.checkpoint}: training from the start`)
    const fitted = await fit({
      samples: dataset.train,
      category: dataset.category,
      config,
      encoder,
      runtime,
      checkpoints: {
        read: () => Promise.resolve(stored),
        async write(bytes) {
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
    const run = { config, dataset, heldOut, runtime, protocol, evaluateAt, out, began }
    await conclude(session, { ...fitted, ...run, best: bestEpochs(seen) }, progress)
  })
}

/** The settings that tuning chooses, also written into the folder; of a training that is resumed those it has. */
async function chosen(
  session: Session,
  settings: TrainSettings,
  { out, ...given }: Omit<Tuning, 'settings' | 'onProgress'> & { readonly out: string },
): Promise<TrainConfig> {
  if (settings.resume) {
    const stored = await fileCheckpoints(runPaths(out).checkpoint).read()
    if (stored) return decodeCheckpoint(stored).config
  }
  let config = given.prepared.config
  await inRunFolder(session, out, {}, async ({ onProgress, end }) => {
    const result = await tuneSettings(session, { ...given, settings, onProgress })
    await writeFileAtomic(join(out, 'tuned.yaml'), tunedFile(settings, result))
    end()
    note(session, `${tuningTable(result)}\n${explainTuning(result)}\n`)
    config = result.config
  })
  return config
}
