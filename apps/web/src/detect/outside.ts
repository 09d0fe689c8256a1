import { mapOutside, scoreOutside, type Detection, type Region } from '@cflow/detector'
import type { Manifest } from '@cflow/core'
import { keepRegions, keptRegions } from '../kept.js'
import { leavingOut, recounted, regionsOf, type State } from '../state/state.js'
import { oneByOne } from '../state/one-by-one.js'
import type { Store } from '../state/store.js'
import { unstored, type Item } from './item.js'

/** What changes in an item when regions do not count. `whole` is the score of the whole image. */
export const counted = (
  manifest: Manifest,
  whole: number,
  anomalyMap: Detection['anomalyMap'],
  regions: readonly Region[],
): Recount => ({
  score: scoreOutside(manifest, { score: whole, anomalyMap }, regions),
  ...(regions.length > 0 && { outside: { whole, regions } }),
})

/** A score, and what it leaves out. */
export interface Recount {
  readonly score: number
  readonly outside?: NonNullable<Item['outside']>
}

/** What is detected where the regions that do not count are as in the state. */
export function detectionOutside(state: State, detection: Detection): Detection {
  const regions = regionsOf(state)
  if (!state.engine || regions.length === 0) return detection
  const { score } = counted(state.engine.manifest, detection.score, detection.anomalyMap, regions)
  return { ...detection, score, anomalyMap: mapOutside(detection.anomalyMap, regions) }
}

/** Keep the regions of a detector in this browser, and give them back with it. */
export function keepWithDetector(store: Store<State>): void {
  store.watch(({ engine, regions, detectors }, before) => {
    if (engine && engine.model !== before?.engine?.model) void giveBack(store, engine.model)
    if (!before || regions === before.regions) return
    const ids = new Set([...Object.keys(regions), ...Object.keys(before.regions)])
    for (const id of [...ids].filter((id) => regions[id] !== before.regions[id])) {
      const file = detectors.find((d) => d.id === id)?.file
      if (file) keepRegions(file, regions[id] ?? []).catch(console.warn)
    }
  })
}

async function giveBack(store: Store<State>, model: Blob): Promise<void> {
  try {
    const kept = await keptRegions(model)
    const { state } = store
    // what was drawn meanwhile stays
    if (kept.length > 0 && state.engine?.model === model && regionsOf(state).length === 0)
      store.change(leavingOut(kept))
  } catch (error) {
    console.warn('no regions were kept:', error)
  }
}

/**
 * Score again, from the maps that are kept, what was scored with other regions than those that do not count now: the selected
 * image first, one after the other.
 */
export function leaveOut(store: Store<State>): void {
  const next = (state: State): Item | undefined => {
    const regions = regionsOf(state)
    const now = regions.length > 0 ? regions : undefined
    const isStale = (i: Item) => i.detection && i.map && i.outside?.regions !== now
    const { items, selected } = state
    return items.find((i) => i.id === selected && isStale(i)) ?? items.find(isStale)
  }
  const recount = async ({ id, map, detection, outside }: Item) => {
    const anomalyMap = await unstored(map!)
    const { engine } = store.state
    const whole = outside?.whole ?? detection!.score
    const regions = regionsOf(store.state)
    if (!engine || store.state.items.find((i) => i.id === id)?.map !== map) return
    store.change(recounted(id, counted(engine.manifest, whole, anomalyMap, regions)))
  }
  oneByOne(store, next, recount)
}
