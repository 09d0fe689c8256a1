import type { Host } from './engine/host.js'
import { fetched, type OnBytes } from './engine/files.js'
import { wasmIsNear } from './engine/packed.js'
import { exampleImages, exampleModel } from './example.js'
import { forget as forgetKept, keep, keepRegions } from './kept.js'
import { tokenHeaders } from './server/token.js'
import {
  detectorOf,
  example,
  forgetting,
  knowing,
  stuck,
  wanting,
  type KnownDetector,
  type State,
} from './state/state.js'
import type { Store } from './state/store.js'
import { ask } from './ui/ask.js'
import { clearMessages, showError, showMessage } from './ui/messages.js'

let last = 0
const newId = () => `${Date.now()}-${++last}`

/**
 * What is done with detectors. What is asked for last wins, whatever is over first.
 * @param onBytes called while the file of a built-in one arrives
 */
export function detectorsOf(store: Store<State>, host: Promise<Host>, onBytes: OnBytes) {
  const fileOf = async (id: string): Promise<Blob> => {
    const known = detectorOf(store.state, id)
    if (known?.file) return known.file
    if (known?.address !== undefined) {
      const file = await fetched(
        known.address,
        `The detector “${known.name}”`,
        () => {},
        tokenHeaders(),
      )
      store.change(knowing({ id, file }))
      return file
    }
    if (!known?.tests)
      exampleImages(id).then((tests) => store.change(knowing({ id, tests })), showError)
    await wasmIsNear
    const file = await exampleModel(id, onBytes)
    store.change(knowing({ id, file }))
    return file
  }

  /** @returns whether it runs, now or because something else was asked for since */
  const open = async (id: string): Promise<void> => {
    store.change(wanting(id))
    const isWanted = () => store.state.wanted === id
    try {
      const file = fileOf(id)
      file.catch(() => undefined)
      await (await host).open(file, isWanted)
    } catch (error) {
      const { running } = store.state
      const known = detectorOf(store.state, id)
      if (known?.trainedAt === undefined && !known?.isBuiltIn && !known?.address)
        store.change(forgetting(id))
      if (!isWanted()) return
      showError(error)
      if (running !== undefined) store.change(wanting(running))
      else if (id !== example) await open(example)
      else store.change(stuck)
    }
  }

  return {
    open: (id: string): void => {
      clearMessages()
      void open(id)
    },
    /** Run the first one, unless something else is asked for already. */
    async begin(): Promise<void> {
      const { wanted } = store.state
      if (detectorOf(store.state, wanted)?.isBuiltIn) await open(wanted)
    },
    /** Run a detector's file. */
    openFile(file: File): void {
      const id = newId()
      store.change(knowing({ id, name: file.name, file }))
      void open(id)
    },
    /** A detector was trained: it is listed and kept. @returns its id */
    trained(detector: Pick<KnownDetector, 'name' | 'file' | 'tests'>): string {
      const id = newId()
      const known = { ...detector, id, trainedAt: Date.now() }
      store.change(knowing(known))
      keep(known).catch((error: unknown) => {
        console.warn(error)
        showMessage(
          'The detector could not be kept in this browser',
          'It is there until the tab is closed: download it.',
        )
      })
      return id
    },
    async forget(id: string): Promise<void> {
      const detector = detectorOf(store.state, id)
      if (!detector) return
      const text =
        detector.trainedAt === undefined
          ? 'Your file stays where it is.'
          : 'It is kept in this browser only; a file that you have downloaded stays.'
      if (!(await ask(`Remove “${detector.name}”?`, text, 'Remove it'))) return
      await forgetKept(id).catch(showError)
      // its regions go with it
      if (detector.file) await keepRegions(detector.file, []).catch(console.warn)
      await open(example)
      store.change(forgetting(id))
    },
  }
}
