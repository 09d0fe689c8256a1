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
      signal: session.io.signal,
    })
    const left = new Set(fitted.dropped.map(({ index }) => index))
    const kept = [...dataset.train.keys()].filter((i) => !left.has(i))
    const split = splitHeldOut(kept.map((i) => dataset.train[i]!), config)
    const heldOut = split.heldOut.map((i) => kept[i]!)
    const run = { config, dataset, heldOut, runtime, protocol, evaluateAt, out, began }
    await conclude(session, { ...fitted, ...run, best: bestEpochs(seen) }, progress)
  })
}

/** Settings of the training: what is not said comes from the recipe, and for recipe `paper` from the dataset. */
function optionsOf(settings: TrainSettings): TrainOptions {
  const asAuthors = settings.dataset === 'stc' && settings.recipe === 'paper'
  return { ...(asAuthors && { normalisation: 'stc' }), ...settingsOf(settings) }
}
