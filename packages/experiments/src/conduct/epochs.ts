import type { EpochEvaluation } from '@cflow/metrics'
import { epochEvaluations } from '@cflow/trainer'
import * as z from 'zod'
import type { Unfinished } from '../store.js'

const notesSchema = z.array(z.object({ pass: z.int(), evaluation: z.looseObject({}) }))

/**
 * Evaluations while a flow trains (`epochEvaluations`) that an interruption does not lose: they are kept beside the
 * checkpoint, and made up for where the checkpoint is ahead of them.
 */
export async function lastingEpochs(
  options: Omit<Parameters<typeof epochEvaluations>[0], 'onEvaluation'> & {
    readonly unfinished: Unfinished
  },
) {
  const { unfinished } = options
  const seen = new Map((await notesOf(unfinished)).map((e) => [e.pass, e.evaluation]))
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
