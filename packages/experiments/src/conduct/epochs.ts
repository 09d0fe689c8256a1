import type { Sample } from '@cflow/datasets'
import type { Runtime } from '@cflow/runtimes'
import type { EncoderModel } from '@cflow/encoders'
import { epochEvaluations } from '@cflow/trainer'
import type { EpochEvaluation, Evaluation, OnProgress } from '@cflow/trainer'
import * as z from 'zod'
import type { Unfinished } from '../store.js'

const notesSchema = z.array(z.object({ pass: z.int(), evaluation: z.looseObject({}) }))

/**
 * Evaluations while a flow trains (`epochEvaluations`) that an interruption does not lose: they are kept beside the
 * checkpoint, and made up for where the checkpoint is ahead of them.
 */
export async function lastingEpochs(options: {
  readonly samples: readonly Sample[]
  readonly encoder: EncoderModel
  readonly runtime: Runtime
  readonly passes: number
  readonly unfinished: Unfinished
  readonly onProgress?: OnProgress
}) {
  const { unfinished } = options
  const seen = new Map<number, Evaluation>()
  for (const { pass, evaluation } of await notesOf(unfinished)) seen.set(pass, evaluation)

  const epochs = epochEvaluations({
    ...options,
    onEvaluation({ pass, evaluation }) {
      seen.set(pass, evaluation)
      return unfinished.writeNotes(JSON.stringify(list()))
    },
  })
  const list = (): EpochEvaluation[] =>
    [...seen].map(([pass, evaluation]) => ({ pass, evaluation })).sort((a, b) => a.pass - b.pass)
  return { hook: { ...epochs, seen: (pass: number) => seen.has(pass) }, list }
}

async function notesOf(unfinished: Unfinished): Promise<readonly EpochEvaluation[]> {
  const text = await unfinished.readNotes()
  if (text === undefined) return []
  // this module wrote it, in one step; JSON has no NaN, which stands for a metric without its class
  const notes = notesSchema.parse(JSON.parse(text, (_, v: unknown) => (v === null ? NaN : v)))
  return notes as unknown as readonly EpochEvaluation[]
}
