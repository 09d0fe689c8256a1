import type { Manifest } from '@cflow/core'
import type { Region } from '@cflow/detector'
import { itemOf, waitingAgain, type Item, type NewItem } from '../detect/item.js'
import type { EngineId } from '../engine/engines.js'

/** The detector that the page opens with. */
export const example = 'cable'

/** A detector that this page knows of. */
export interface KnownDetector {
  readonly id: string
  readonly name: string
  /** It comes with the site. */
  readonly isBuiltIn?: true
  /** Where its file is, of one on the server. */
  readonly address?: string
  /** Its file; absent while it is not loaded. */
  readonly file?: Blob
  /** Images that come with it and that it has not seen. */
  readonly tests?: readonly NewItem[]
  /** When it was trained, in milliseconds since 1970, of one that was trained here. */
  readonly trainedAt?: number
}

/** A detector on an engine, as far as the page shows it. */
export interface Running {
  readonly id: EngineId
  readonly model: Blob
  readonly manifest: Manifest
  readonly runtime: string
}

/** `making` images, training `running`, or `stopped` until it goes on. */
export type Phase = 'idle' | 'making' | 'running' | 'stopped'

interface Training {
  readonly images: readonly Item[]
  /** Made images to try the detector on. */
  readonly tests: readonly NewItem[]
  readonly phase: Phase
}

/** Images in the order in which they came, or by their scores; `marked` are those that a person has judged. */
export type Sort = 'given' | 'highest' | 'lowest'
export type Filter = 'all' | 'anomalous' | 'good' | 'marked' | 'failed'

/** All that the page shows. */
export interface State {
  readonly detectors: readonly KnownDetector[]
  /** Id of the detector asked for last. */
  readonly wanted: string
  /** What judges now, and the id of its detector. */
  readonly engine?: Running
  readonly running?: string
  /** No detector could be loaded. */
  readonly isStuck?: boolean
  /** Share of the files that has come while a detector is loaded, 0 to 1. */
  readonly loaded?: number
  /** Images to judge: a person's, then those that come with the detector. */
  readonly items: readonly Item[]
  readonly selected?: number
  /** The false-positive rate asked for; the stored one while undefined. */
  readonly rate?: number
  /** A threshold placed by images that were marked, in place of a rate. */
  readonly placed?: number
  /** The scale whose heat map is shown alone, by its place among the contributions; that of all while undefined. */
  readonly scale?: number
  /** Regions of images that do not count, by the id of the detector. */
  readonly regions: Readonly<Record<string, readonly Region[]>>
  readonly sort: Sort
  readonly filter: Filter
  readonly training: Training
}

/** The detectors that come with the site, and what they judge. */
const builtIn: readonly KnownDetector[] = Object.entries({
  cable: 'cables',
  part: 'steel brackets',
  mesh: 'woven cloth',
}).map(([id, things]) => ({ id, name: `Example: ${things}`, isBuiltIn: true }))

export const initial: State = {
  detectors: builtIn,
  wanted: example,
  items: [],
  regions: {},
  ...{ sort: 'given', filter: 'all' },
  training: { images: [], tests: [], phase: 'idle' },
}

type Step = (state: State) => State

export const detectorOf = ({ detectors }: State, id: string | undefined) =>
  detectors.find((d) => d.id === id)

/** The images after the detector that is shown has changed, or has got images: a person's stay, another detector's go. */
function arranged(state: State): State {
  const shown = state.running ?? state.wanted
  const mine = state.items.filter((i) => i.of === undefined)
  const there = state.items.filter((i) => i.of === shown)
  const tests = detectorOf(state, shown)?.tests ?? []
  const its = there.length > 0 ? there : tests.map((t) => itemOf(t, shown))
  return selectedAnew({ ...state, items: [...mine, ...its] })
}

/** The first image where the selected one is gone. */
function selectedAnew({ selected, ...state }: State): State {
  const now = state.items.find((i) => i.id === selected) ?? state.items[0]
  return now ? { ...state, selected: now.id } : state
}

/** A person brought images to judge. */
export const given =
  (fresh: readonly Item[]): Step =>
  (state) => {
    const [first] = fresh
    return first ? { ...state, items: [...fresh, ...state.items], selected: first.id } : state
  }

export const selecting =
  (selected: number): Step =>
  (state) => ({ ...state, selected })

/** Without these images; what follows the selected one is selected then. */
export const without =
  (ids: readonly number[]): Step =>
  (state) => {
    const at = state.items.findIndex((i) => i.id === state.selected)
    const items = state.items.filter((i) => !ids.includes(i.id))
    const next = state.items.slice(at).find((i) => !ids.includes(i.id)) ?? items.at(-1)
    return selectedAnew({ ...state, items, ...(next && { selected: next.id }) })
  }

/** An image has a verdict, or none. */
export const judgedAs =
  (
    id: number,
    change:
      Pick<Item, 'detection' | 'map' | 'outside'> | Pick<Item, 'scaleMaps'> | Pick<Item, 'failure'>,
  ): Step =>
  (state) => ({
    ...state,
    items: state.items.map((i) => (i.id === id ? { ...i, ...change } : i)),
  })

const none: readonly Region[] = []

/** The regions that do not count for the detector that runs. */
export const regionsOf = ({ regions, running }: State): readonly Region[] =>
  (running === undefined ? undefined : regions[running]) ?? none

/** These regions do not count, for the detector that runs; none: all of the image counts. */
export const leavingOut =
  (regions: readonly Region[]): Step =>
  (state) => {
    const { running } = state
    if (running === undefined) return state
    const { [running]: _, ...others } = state.regions
    return { ...state, regions: regions.length > 0 ? { ...others, [running]: regions } : others }
  }

/** An image has another score, as other regions do not count. A threshold that was placed by it is placed anew. */
export const recounted =
  (id: number, { score, outside }: { readonly score: number } & Pick<Item, 'outside'>): Step =>
  ({ placed, ...state }) => {
    const items = state.items.map((i): Item => {
      if (i.id !== id || !i.detection) return i
      const { outside: _, ...item } = i
      return { ...item, detection: { ...i.detection, score }, ...(outside && { outside }) }
    })
    const now = { ...state, items }
    return placed === undefined ? now : placedAnew(now)
  }

/** One scale's heat map alone; without a scale, that of all. */
export const atScale =
  (scale?: number): Step =>
  ({ scale: _, ...state }) => ({ ...state, ...(scale !== undefined && { scale }) })

/** An image has a picture that lies as it is to be seen. */
export const turnedTo =
  (id: number, upright: Blob): Step =>
  (state) => {
    const turn = (items: readonly Item[]) =>
      items.map((i) => (i.id === id ? { ...i, upright, url: URL.createObjectURL(upright) } : i))
    const { items, training } = state
    if (items.some((i) => i.id === id)) return { ...state, items: turn(items) }
    if (!training.images.some((i) => i.id === id)) return state
    return { ...state, training: { ...training, images: turn(training.images) } }
  }

export const strict =
  (rate: number): Step =>
  ({ placed: _, ...state }) => ({ ...state, rate })

export const arrangedBy =
  (how: Partial<Pick<State, 'sort' | 'filter'>>): Step =>
  (state) => ({ ...state, ...how })

/**
 * A person says what an image is; saying it again takes it back. Defects place the threshold: between the lowest of them and the
 * highest score of a good image below it, where it would otherwise not be found.
 */
export const marking =
  (id: number, mark: NonNullable<Item['mark']>): Step =>
  ({ placed: _, ...state }) => {
    const items = state.items.map((i): Item => {
      if (i.id !== id) return i
      const { mark: before, ...item } = i
      return before === mark ? item : { ...item, mark }
    })
    return placedAnew({ ...state, items })
  }

/** What a person said of these images is done: the marks go. */
export const unmarked =
  (ids: readonly number[]): Step =>
  ({ placed: _, ...state }) => {
    const items = state.items.map((i): Item => {
      if (!ids.includes(i.id)) return i
      const { mark: _, ...item } = i
      return item
    })
    return placedAnew({ ...state, items })
  }

/** A state with the threshold that its marked images place, if they do. */
function placedAnew(state: Omit<State, 'placed'>): State {
  const placed = placedIn(state)
  return { ...state, ...(placed !== undefined && { placed }) }
}

/** The threshold that marked images place. */
function placedIn({ items, engine }: State): number | undefined {
  const scores = (of: Item['mark']) =>
    items.flatMap((i) => (i.mark === of && i.detection ? [i.detection.score] : []))
  return engine && placedBy(engine.manifest, scores('fine'), scores('defect'))
}

/** Whether a detector can learn more: one whose weights are stored in fewer bits cannot. */
export const canLearn = ({ precision = 'float32' }: Manifest): boolean => precision === 'float32'

function placedBy(
  manifest: Manifest,
  fine: readonly number[],
  defects: readonly number[],
): number | undefined {
  const { scores, threshold } = manifest.calibration
  const lowest = Math.min(...defects)
  // what is fine is learned where that can be; else the threshold must let it pass
  const highest = canLearn(manifest) ? -Infinity : Math.max(...fine)
  if (lowest > threshold && highest <= threshold) return undefined
  const below = [...scores, ...fine].filter((s) => s < lowest)
  if (lowest === Infinity) return highest
  return below.length > 0 ? (lowest + Math.max(...below)) / 2 : lowest - 1e-6 * Math.abs(lowest)
}

type Known = Pick<KnownDetector, 'id'> & Partial<KnownDetector>

/** More is known of a detector, or it is new; the list is in the order in which they came. */
export const knowing =
  (detector: Known): Step =>
  (state) => {
    const before = detectorOf(state, detector.id)
    const now = { name: detector.id, ...before, ...detector }
    const detectors = before
      ? state.detectors.map((d) => (d === before ? now : d))
      : [...state.detectors, now]
    const next = { ...state, detectors }
    return now.tests && !before?.tests ? arranged(next) : next
  }

export const forgetting =
  (id: string): Step =>
  (state) => ({ ...state, detectors: state.detectors.filter((d) => d.id !== id) })

/** A detector is asked for. Until it runs the one before goes on. */
export const wanting =
  (id: string): Step =>
  ({ isStuck: _, loaded: __, ...state }) =>
    state.running === undefined ? arranged({ ...state, wanted: id }) : { ...state, wanted: id }

/** No detector could be loaded. */
export const stuck: Step = ({ loaded: _, ...state }) => ({ ...state, isStuck: true })

/** So much of what is loaded has come; told in whole per cent, so that few changes are. */
export const arrived =
  (share: number): Step =>
  (state) => {
    const loaded = Math.floor(100 * Math.min(1, share)) / 100
    return loaded === state.loaded ? state : { ...state, loaded }
  }

/** An engine took over. @param isAlike it only computes with other threads: what was judged stays */
export const run =
  (engine: Running, isAlike = false): Step =>
  ({ rate, placed, scale, isStuck: _, loaded: __, ...before }) => {
    const running = before.detectors.find((d) => d.file === engine.model)?.id
    const isNewModel = before.engine?.model !== engine.model
    const isNewEngine = !isAlike && before.engine?.id !== engine.id
    const state = {
      ...before,
      engine,
      ...(running !== undefined && { running }),
      ...(rate !== undefined && !isNewModel && { rate }),
      ...(placed !== undefined && !isNewModel && { placed }),
      ...(scale !== undefined && !isNewModel && { scale }),
      // another detector gives other numbers; on another engine the time for the image at hand is of interest, and what
      // failed may work
      items: before.items.map((item) => {
        const isAnew = isNewModel || (isNewEngine && (item.id === before.selected || item.failure))
        return isAnew ? waitingAgain(item) : item
      }),
    }
    return isNewModel ? arranged(state) : state
  }

const trained =
  (change: (training: Training) => Partial<Training>): Step =>
  (state) => ({ ...state, training: { ...state.training, ...change(state.training) } })

export const inPhase = (phase: Phase): Step => trained(() => ({ phase }))

/** Images to learn from, with a mark where they are made here. */
export const learnFrom = (images: readonly NewItem[], of?: string): Step =>
  trained((t) => ({ images: [...t.images, ...images.map((i) => itemOf(i, of))] }))

/** Only the images to learn from that are kept by this. */
export const learnFromOnly = (keep: (image: Item) => boolean): Step =>
  trained((t) => {
    const images = t.images.filter(keep)
    return { images, tests: images.length > 0 ? t.tests : [] }
  })

export const tryOn = (tests: readonly NewItem[]): Step => trained(() => ({ tests }))

/** An image to learn from cannot be read; without a failure, all may be tried again. */
export const unreadable = (id: number, failure: NonNullable<Item['failure']>): Step =>
  trained((t) => ({ images: t.images.map((i) => (i.id === id ? { ...i, failure } : i)) }))

/** Whether a person has put in something that a new start of the page would lose. */
export const hasInput = (state: State): boolean =>
  !detectorOf(state, state.wanted)?.isBuiltIn ||
  state.items.some((i) => i.of === undefined) ||
  state.training.images.length > 0
