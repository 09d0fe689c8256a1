import { CflowError } from '@cflow/base'
import type { Sample } from '@cflow/datasets'
import type { TrainConfig } from '@cflow/methods'
import type { CheckpointStore } from '../checkpoint.js'
import type { Changes } from './candidates.js'

/** What a search found of one candidate in one round. */
export interface Entry<Found> {
  /** Absent of one that could not be trained. */
  readonly found?: Found
  readonly message?: string
  /** What that took. */
  readonly milliseconds: number
}

interface Stored<Found> {
  readonly version: 1
  readonly about: string
  /** Milliseconds that the search took so far. */
  readonly elapsed: number
  readonly entries: readonly (readonly [key: string, Entry<Found>])[]
}

/** What is searched for, as far as it decides what is found. */
interface About {
  readonly config: TrainConfig
  readonly samples: readonly Sample[]
  readonly fixed?: readonly string[]
  readonly encoders?: readonly string[]
  readonly candidates?: readonly Changes[]
  readonly budget?: number | undefined
}

/**
 * The candidates that are done, kept in a store: a search that was killed goes on from them, and finds the same.
 * @throws CflowError CHECKPOINT where what is stored is damaged, or of another search
 */
export async function openLedger<Found>(
  store: CheckpointStore | undefined,
  resume: boolean,
  { config, samples, fixed, encoders, candidates, budget }: About,
) {
  const about = JSON.stringify({ config, fixed, encoders, candidates, budget, images: samples.map(({ id }) => id) }) // prettier-ignore
  const stored = resume ? read<Found>(await store?.read()) : undefined
  if (stored && stored.about !== about)
    throw new CflowError('CHECKPOINT', 'the checkpoint was made by another search', {
      hint: 'use the settings and images it was begun with, or begin again',
    })
  const entries = new Map(stored?.entries)
  const keyOf = (round: number, changes: Changes): string => `${round} ${JSON.stringify(changes)}`
  return {
    /** Milliseconds of the search before this process took it up. */
    elapsed: stored?.elapsed ?? 0,
    find: (round: number, changes: Changes) => entries.get(keyOf(round, changes)),
    async add(round: number, changes: Changes, entry: Entry<Found>, elapsed: number) {
      entries.set(keyOf(round, changes), entry)
      const all: Stored<Found> = { version: 1, about, elapsed, entries: [...entries] }
      await store?.write(new TextEncoder().encode(JSON.stringify(all)))
    },
  }
}

function read<Found>(bytes: Uint8Array | undefined): Stored<Found> | undefined {
  if (!bytes) return undefined
  try {
    const stored = JSON.parse(new TextDecoder().decode(bytes)) as Stored<Found>
    if (stored.version === 1 && Array.isArray(stored.entries)) return stored
  } catch {
    // told below
  }
  throw new CflowError('CHECKPOINT', 'the checkpoint is no list of candidates that are done', {
    hint: 'delete it, or begin again',
  })
}
