import type { Detection } from '@cflow/detector'
import { friendly } from '../errors.js'
import { judgedAs, type State } from '../state/state.js'
import type { Store } from '../state/store.js'
import { stored } from './item.js'
import { showMessage } from '../ui/messages.js'

/** Judge what waits, the selected image first, one after the other, whenever something waits and a detector runs. */
export function judge(store: Store<State>, detect: (image: Blob) => Promise<Detection>): void {
  let busy = false
  const next = ({ items, selected, engine }: State) => {
    const waiting = engine ? items.filter((i) => !i.detection && !i.failure) : []
    return waiting.find((i) => i.id === selected) ?? waiting[0]
  }
  const work = async () => {
    busy = true
    for (let item = next(store.state); item; item = next(store.state)) {
      const { engine } = store.state
      const { id } = item
      try {
        const detection = await detect(item.blob)
        // of another detector, or on another engine: once more
        const { anomalyMap, ...verdict } = detection
        if (store.state.engine === engine)
          store.change(judgedAs(id, { detection: verdict, map: stored(anomalyMap) }))
      } catch (error) {
        console.warn(error)
        if (store.state.engine !== engine) continue
        const failure = friendly(error)
        const isAlone = store.state.items.filter((i) => !i.detection && !i.failure).length === 1
        if (id === store.state.selected || isAlone)
          showMessage(failure.title, failure.text, 'error')
        store.change(judgedAs(id, { failure }))
      }
    }
    busy = false
  }
  store.watch((state) => {
    if (!busy && next(state)) void work()
  })
}
