import { CflowError } from '@cflow/base'
import { makeFolder } from '@cflow/base/node'
import { encoderSpec } from '@cflow/encoders'
import {
  laboratory,
  reproduce,
  selectionSchema,
  somethingRan,
  targetNames,
  writeIndex,
} from '@cflow/experiments'
import type { Reproduced, Selection, TargetName } from '@cflow/experiments'
import type * as z from 'zod'
import { Interrupted } from '../failure.js'
import { note, printJson } from '../io.js'
import type { Session } from '../io.js'
import { progressReporter } from '../progress/reporter.js'
import { deviceOptions } from '../settings/device.js'
import { resolveSettings } from '../settings/resolve.js'
import { reproduceSchema } from '../settings/schema.js'
import { kebab } from '../settings/table.js'

/** `cflow reproduce WHAT...`: tables and figures of the paper into `--out`. */
export async function reproducePaper(
  session: Session,
  what: readonly string[],
  flags: object,
): Promise<void> {
  const settings = await resolveSettings(session, flags, reproduceSchema)
  const names = namesOf(what)
  const selection = selectionOf(settings)
  const out = settings.out ?? 'reproduce'
  await makeFolder(out)
  const progress = progressReporter(session)
  const { signal } = session.io
  const lab = await laboratory({
    out,
    mvtec: settings.mvtec,
    stc: settings.stc,
    ffmpeg: settings.ffmpeg,
    runtime: deviceOptions(settings),
    signal,
    onProgress: progress.onProgress,
    note(text) {
      progress.end()
      note(session, text)
    },
  })
  try {
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
  }
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
    throw new CflowError('USAGE', `there is nothing called ${unknown} to reproduce`, {
      subject: unknown,
      hint: `use ${targetNames.join(', ')} or all`,
    })
  return what.includes('all') ? targetNames : (what as readonly TargetName[])
}

/** @throws CflowError USAGE that names the setting, NOT_FOUND for an unknown encoder */
function selectionOf(settings: z.infer<typeof reproduceSchema>): Selection {
  const { recipe, passes, seeds, categories, encoders, inputSizes, methods } = settings
  const { frameStep, trainImages, testImages } = settings
  // a configuration file may say `scenes: all` for the other commands
  const scenes = settings.scenes?.includes('all') ? undefined : settings.scenes?.map((s) => s.padStart(2, '0')) // prettier-ignore
  const given = {
    ...{ recipe, passes, seeds, categories, scenes, inputSizes, methods },
    ...{ frameStep, trainImages, testImages },
    encoders: encoders?.map((name) => encoderSpec(name).name),
  }
  const parsed = selectionSchema.safeParse(given)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  const flag = `--${kebab(String(issue?.path[0] ?? ''))}`
  throw new CflowError('USAGE', `${flag}: ${issue?.message}`, { subject: flag })
}
