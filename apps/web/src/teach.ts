import type { Manifest } from '@cflow/core'
import { engineOptions, threadsHere } from './engine/engines.js'
import type { State } from './state/state.js'
import { trainer } from './train/job.js'

/** A detector that has learned more. */
export interface Taught {
  readonly file: Blob
  readonly manifest: Manifest
  /** Ids of the images that it has learned. */
  readonly images: readonly number[]
}

/**
 * Take the images that a person has marked as fine up into the detector that runs, in a worker; the rest of it stays as it is.
 * @throws what the library's update throws: USAGE for a method that cannot be added to
 */
export async function taught({ items, engine }: State): Promise<Taught | undefined> {
  const fine = items.filter((i) => i.mark === 'fine')
  if (!engine || fine.length === 0) return undefined
  const handle = trainer()
  try {
    const { model, manifest } = await handle.answered(
      handle.api.update(
        engine.model,
        fine.map(({ name, blob }) => ({ name, blob })),
        engineOptions(threadsHere() > 1 ? 'threads' : 'single'),
      ),
    )
    const file = new Blob([model as Uint8Array<ArrayBuffer>], { type: 'application/octet-stream' })
    return { file, manifest, images: fine.map((i) => i.id) }
  } finally {
    handle.close()
  }
}
