import { writeFileAtomic } from '@cflow/base/node'
import { explainTuning, type TuneResult } from '@cflow/trainer'
import { extname, join } from 'node:path'
import { defineCommand } from '../command.js'
import { openTrainingSet } from '../dataset.js'
import { prepareEncoder } from '../encoder.js'
import { printJson } from '../io.js'
import { inRunFolder, prepareFile } from '../run-folder.js'
import { runtimeOf } from '../settings/machine.js'
import { optionsOf, trainSettings } from '../settings/methods.js'
import { usage } from '../settings/parse.js'
import { text } from '../settings/schema.js'
import { tuneSettings, tunedFile, tuningTable } from '../tuning.js'

const settings = trainSettings
  .omit({
    ...{ auto: true, stopAfter: true, resume: true, protocol: true, evaluateAt: true },
    ...{ scenes: true, knownDefects: true },
  })
  .extend({
    out: text('configuration file to write, or a folder for tuned.yaml', {
      ...{ placeholder: 'FILE', group: 'output', otherwise: 'tuned.yaml' },
    }),
  })

/** `cflow tune`: the settings of a training, chosen by defects that are made up on good images. */
export const command = defineCommand({
  arguments: { folder: 'folder of the images; --dataset synthetic needs none' },
  settings,
  async run(session, { out = 'tuned.yaml', overwrite, ...given }, folder?: string) {
    if (folder !== undefined && given.root !== undefined)
      throw usage('--root', 'the folder is given twice: as an argument and with --root')
    const root = folder ?? given.root
    const own = { ...given, ...(root !== undefined && { root }), protocol: 'strict' as const }
    const prepared = await prepareEncoder(optionsOf(own), own)
    const dataset = await openTrainingSet(session, own, prepared.config.inputSize)
    const runtime = await runtimeOf(own)
    const path = /^\.ya?ml$/i.test(extname(out)) ? out : join(out, 'tuned.yaml')
    await prepareFile(path, overwrite)
    await inRunFolder(session, undefined, { command: 'tune', results: [] }, async (progress) => {
      const { onProgress } = progress
      const result = await tuneSettings(session, { settings: own, prepared, dataset, runtime, onProgress }) // prettier-ignore
      session.io.signal.throwIfAborted()
      await writeFileAtomic(path, tunedFile(own, result))
      progress.end()
      if (session.json) return printJson(session, documentOf(result, path))
      session.io.out(`${tuningTable(result)}\n${explainTuning(result)}\n`)
      session.io.out(`\nsettings   ${path}: train with 'cflow train --config ${path}'\n`)
    })
  },
})

function documentOf(result: TuneResult, path: string) {
  const { config, changes, rows, heldOut, folds, defects, rounds, level, seconds } = result
  return {
    ...{ changes, config, explanation: explainTuning(result) },
    ...{ candidates: rows, heldOut, folds, defects, rounds, level, seconds },
    files: { config: path },
  }
}
