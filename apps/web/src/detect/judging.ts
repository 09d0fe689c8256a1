import type { AnomalyMap, Detection } from '@cflow/detector'
import { friendly } from '../errors.js'
import { judgedAs, regionsOf, type State } from '../state/state.js'
import { oneByOne } from '../state/one-by-one.js'
import type { Store } from '../state/store.js'
import { stored, type Item } from './item.js'
import { counted } from './outside.js'
import { showMessage } from '../ui/messages.js'

/**
 * Judge what waits, the selected image first, one after the other, whenever something waits and a detector runs.
 * @param scaleMaps gives the maps of the scales alone: asked of the selected image where one of them is to be seen
 */
export function judge(
  store: Store<State>,
  detect: (image: Blob) => Promise<Detection>,
  scaleMaps: (image: Blob) => Promise<readonly AnomalyMap[]>,
): void {
  const next = ({ items, selected, engine, scale }: State): Item | undefined => {
    if (!engine) return undefined
    const chosen = items.find((i) => i.id === selected)
    if (chosen && (isWaiting(chosen) || (scale !== undefined && lacksScales(chosen)))) return chosen
    return items.find(isWaiting)
  }
  const judgeOne = async ({ id, blob }: Item, { engine }: State) => {
    try {
      const detection = await detect(blob)
      // of another detector, or on another engine: once more
      const { anomalyMap, ...verdict } = detection
      if (!engine || store.state.engine !== engine) return
      const regions = regionsOf(store.state)
      const { score, outside } = counted(engine.manifest, verdict.score, anomalyMap, regions)
      const change = { detection: { ...verdict, score }, map: stored(anomalyMap) }
      store.change(judgedAs(id, { ...change, ...(outside && { outside }) }))
    } catch (error) {
      console.warn(error)
      if (store.state.engine !== engine) return
      const failure = friendly(error)
      const isAlone = store.state.items.filter(isWaiting).length === 1
      if (id === store.state.selected || isAlone) showMessage(failure.title, failure.text, 'error')
      store.change(judgedAs(id, { failure }))
    }
  }
  const askScales = async ({ id, blob }: Item, { engine }: State) => {
    const maps = await scaleMaps(blob).catch((error: unknown) => {
      console.warn(error)
      const { title, text } = friendly(error)
      if (store.state.engine === engine) showMessage(title, text, 'error')
      return []
    })
    if (store.state.engine === engine)
      store.change(judgedAs(id, { scaleMaps: maps.map((map) => stored(map)) }))
  }
  oneByOne(store, next, (item, state) => (isWaiting(item) ? judgeOne : askScales)(item, state))
}

const isWaiting = (item: Item): boolean => !item.detection && !item.failure

const lacksScales = (item: Item): boolean => item.detection !== undefined && !item.scaleMaps
