import { didYouMean, type CflowError } from '@cflow/base'
import { makeFolder } from '@cflow/base/node'
import { encoderSpec } from '@cflow/encoders'
import {
  laboratory,
  reproduce,
  runShard,
  selectionSchema,
  somethingRan,
  targetNames,
  trainingsOf,
  writeIndex,
  type Reproduced,
  type TargetName,
} from '@cflow/experiments'
import { lockFolder } from '@cflow/trainer/node'
import { join, resolve } from 'node:path'
import * as z from 'zod'
import { defineCommand } from '../command.js'
import { Interrupted } from '../failure.js'
import { note, printJson, type Session } from '../io.js'
import { progressReporter } from '../progress/reporter.js'
import { queueSetting, shareCommand } from '../queue.js'
import { deviceOptions } from '../settings/machine.js'
import { parseSettings, usage } from '../settings/parse.js'
import {
  datasetShape,
  dir,
  machineShape,
  outFolder,
  outputShape,
  text,
} from '../settings/schema.js'
import { grouped } from '../settings/settings.js'

const { shape } = selectionSchema
const { frameStep, ffmpeg, trainImages, testImages } = datasetShape
const schema = z.object({
  ...grouped('images', {
    mvtec: text('folder of MVTec AD', dir),
    stc: text('folder of ShanghaiTech Campus', dir),
    categories: shape.categories.meta({ help: 'classes of MVTec AD, or built-in kinds of image' }),
    // a configuration file may say `scenes: all` for the other commands
    scenes: z
      .array(z.literal('all').or(datasetShape.scene.unwrap()))
      .min(1)
      .optional()
      .meta({ help: 'scenes of ShanghaiTech Campus', otherwise: 'all that are there' }),
    ...{ frameStep, ffmpeg },
    trainImages: shape.trainImages.meta(trainImages.meta()!),
    testImages: shape.testImages.meta(testImages.meta()!),
  }),
  ...grouped('training', {
    recipe: shape.recipe.meta({
      help: 'paper (the authors’ training) or whitened (the quick one)',
    }),
    passes: shape.passes.meta({ help: 'passes of the flows', otherwise: 'the recipe’s' }),
    seeds: shape.seeds.meta({ help: 'trainings of each kind, for mean ± deviation' }),
    encoders: shape.encoders.meta({ help: 'feature extractors', otherwise: 'the paper’s' }),
    inputSizes: shape.inputSizes.meta({
      help: 'sizes of images',
      otherwise: 'the paper’s',
      error: 'is a list of whole numbers of pixels from 32 to 4096',
    }),
    methods: shape.methods.meta({ help: 'methods to compare' }),
  }),
  ...machineShape,
  ...grouped('machine', {
    shard: z
      .string()
      .regex(/^[1-9]\d{0,3}\/[1-9]\d{0,3}$/)
      .optional()
      .meta({
        help: 'run this part of the trainings only, such as 2/3, and write no tables',
        placeholder: 'I/N',
        error: 'is a part such as 2/3',
      }),
    queue: queueSetting,
  }),
  out: outFolder('folder for results and finished trainings').default('reproduce'),
  ...outputShape,
})

/** `cflow reproduce WHAT...`: tables and figures of the paper into `--out`. */
export const command = defineCommand({
  arguments: { what: 'table1 … table6, figure1, figure3, figure4, methods, or all' },
  settings: schema,
  async run(session, settings, what: readonly string[]) {
    const names = namesOf(what)
    const shard = shardOf(settings.shard)
    const { out, mvtec, stc, ffmpeg, scenes, encoders } = settings
    const selection = parseSettings(selectionSchema.strip(), {
      ...settings,
      scenes: scenes?.includes('all') ? undefined : scenes,
      encoders: encoders?.map((name) => encoderSpec(name).name),
    })
    const { queue } = settings
    if (shard && queue !== undefined)
      throw usage('--queue', 'a part is what a queue hands out: give --queue or --shard')
    await makeFolder(out)
    // parts may share a folder: each trains what no other one does
    const lockName = shard ? `reproduce-${shard.index}-of-${shard.count}.lock` : 'reproduce.lock'
    const locked = () => lockFolder(out, join(out, lockName))
    let lock = queue === undefined ? await locked() : undefined
    const progress = progressReporter(session)
    const { signal } = session.io
    const lab = await laboratory({
      ...{ out, mvtec, stc, ffmpeg, runtime: deviceOptions(settings) },
      signal,
      onProgress: progress.onProgress,
      note(text) {
        progress.end()
        note(session, text)
      },
    }).catch(async (error: unknown) => {
      await lock?.release()
      throw error
    })
    try {
      if (shard) {
        const ran = await runShard(names, selection, lab, shard)
        progress.end()
        return printShard(session, ran, out, shard)
      }
      if (queue !== undefined) {
        const count = (await trainingsOf(names, selection, lab)).length
        const named = Array.from({ length: count }, (_, i) => `${i + 1}/${count}`)
        const partOf = (part: string) => () => Promise.resolve(['--shard', part])
        const parts = new Map(named.map((part) => [part, partOf(part)] as const))
        await shareCommand(session, queue, ['reproduce', resolve(out), names, selection], parts)
        lock = await locked().catch((error: unknown) => {
          if ((error as CflowError).code === 'BUSY') return undefined
          throw error
        })
        if (!lock) return note(session, `another process writes the tables into ${out}`)
      }
      const reproduced = await reproduce(names, selection, lab)
      progress.end()
      const index = what.includes('all') ? await writeIndex(reproduced, lab) : undefined
      print(session, reproduced, index)
      if (!somethingRan(reproduced)) session.io.err('error: nothing of it could be run here\n')
      if (reproduced.failed.length > 0 || !somethingRan(reproduced)) session.exitCode = 1
    } catch (error) {
      progress.end()
      if (!signal.aborted) throw error
      throw new Interrupted(
        `interrupted; what is finished is in ${out}: the same command goes on from there`,
      )
    } finally {
      await lock?.release()
    }
  },
})

/** @throws CflowError USAGE for a part that is not among the parts */
function shardOf(text: string | undefined) {
  if (text === undefined) return undefined
  const [index = 0, count = 0] = text.split('/').map(Number)
  if (index > count) throw usage('--shard', `there is no part ${index} of ${count}`)
  return { index, count }
}

function printShard(
  session: Session,
  ran: Awaited<ReturnType<typeof runShard>>,
  out: string,
  { index, count }: { readonly index: number; readonly count: number },
): void {
  const { trials, missing, failed } = ran
  if (failed.length > 0) session.exitCode = 1
  if (session.json) return printJson(session, { shard: { index, count }, ...ran })
  for (const reason of missing) note(session, reason)
  for (const reason of failed) session.io.err(`failed: ${reason}\n`)
  session.io.out(`part ${index} of ${count}: ${trials.run} trainings run, ${trials.reused} taken from the store\n`) // prettier-ignore
  const hint = `put the files of all parts' trials/ into ${out}/trials, then run the same command there without --shard`
  if (count > 1) note(session, hint)
}

function print(session: Session, reproduced: Reproduced, index: string | undefined): void {
  const { documents, missing, failed, trials } = reproduced
  if (session.json) {
    const written = documents.map(({ name, title, filled, files, data }) => ({ name, title, filled, files, data })) // prettier-ignore
    printJson(session, { ...reproduced, documents: written, ...(index !== undefined && { index }) })
    return
  }
  // one table is what was asked for; of several, their places
  if (documents.length === 1 && documents[0]) session.io.out(documents[0].markdown)
  const files = [...documents.flatMap((d) => d.files), ...(index === undefined ? [] : [index])]
  note(session, `${trials.run} trainings run, ${trials.reused} taken from the store`)
  for (const reason of missing) note(session, reason)
  for (const reason of failed) session.io.err(`failed: ${reason}\n`)
  if (documents.length === 1) note(session, files.join('\n'))
  else session.io.out(`${files.join('\n')}\n`)
}

/** @throws CflowError USAGE for what the paper does not have */
function namesOf(what: readonly string[]): readonly TargetName[] {
  const unknown = what.find((name) => name !== 'all' && !targetNames.includes(name as TargetName))
  if (unknown !== undefined)
    throw usage(
      unknown,
      `there is nothing called ${unknown} to reproduce`,
      `${didYouMean(unknown, [...targetNames, 'all'])}use ${targetNames.join(', ')} or all`,
    )
  return what.includes('all') ? targetNames : (what as readonly TargetName[])
}
