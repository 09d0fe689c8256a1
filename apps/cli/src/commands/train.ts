import { CflowError } from '@cflow/base'
import type { Sample } from '@cflow/datasets'
import { decodeImage, requireFolder, walkFolder } from '@cflow/datasets/node'
import { bestEpochs, type EpochEvaluation } from '@cflow/metrics'
import { methods, type TrainOptions } from '@cflow/methods'
import { epochEvaluations, fit, splitHeldOut } from '@cflow/trainer'
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
import { settingsOf, trainSettings, type TrainSettings } from '../settings/methods.js'
import { conclude } from './conclude.js'

/** `cflow train`: from images to model.onnx, metrics.json, report.html and checkpoint/. */
export const command = defineCommand({ settings: trainSettings, run: train })

async function train(session: Session, settings: TrainSettings): Promise<void> {
  const began = performance.now()
  requireStrict(settings)
  if (settings.scenes !== undefined) {
    const { out = join('runs', 'stc') } = settings
    return everyScene(session, { ...settings, out }, train)
  }
  const { config, open } = await prepareEncoder(optionsOf(settings), settings)
  const dataset = await openTrainingSet(session, settings, config.inputSize)
  const { stopAfter, resume = false, protocol, evaluateAt } = settings
  const runtime = await runtimeOf(settings)
  const encoder = await open(runtime)
  for (const text of encoder.spec.assumed ?? []) note(session, text)
  const { method } = config
  const name = method === methods[0].name ? dataset.category : `${dataset.category}-${method}`
  const out = settings.out ?? join('runs', name)
  const paths = runPaths(out)
  const knownDefects = await defectsIn(settings.knownDefects)
  const { training } = splitHeldOut(dataset.train, config)
  const positions = encoder.taps.reduce((n, s) => n + s.height * s.width, 0)
  const files = fileCheckpoints(paths.checkpoint)
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
    ...{ command: 'train', results: ['model', 'metrics', 'report', 'scores'] as const, resume },
    overwrite: settings.overwrite ?? false,
    checkpoint: inPasses,
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
      signal: session.io.signal,
    })
    const done = { config, dataset, knownDefects, runtime, protocol, evaluateAt, out, began }
    await conclude(session, { ...fitted, ...done, best: bestEpochs(seen) }, progress, run)
  })
}

/** Settings of the training: what is not said comes from the recipe, and for recipe `paper` from the dataset. */
function optionsOf(settings: TrainSettings): TrainOptions {
  const asAuthors = settings.dataset === 'stc' && settings.recipe === 'paper'
  return { ...(asAuthors && { normalisation: 'stc' }), ...settingsOf(settings) }
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
