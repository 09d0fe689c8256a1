import { knowing, type State } from '../state/state.js'
import type { Store } from '../state/store.js'
import { create, element } from '../ui/dom.js'
import { percent } from '../ui/format.js'
import { clearMessages, showError, showMessage } from '../ui/messages.js'
import { wholeNumber } from '../ui/whole-number.js'
import { minImages } from '../train/limits.js'
import { needsToken, serverDetectors, serverJobs, trainThere, type ServerJob } from './server.js'
import { hasToken, keepToken } from './token.js'

/** Milliseconds between two looks at the server's jobs, while one of them runs and while none does. */
const [often, seldom] = [2000, 15_000]

/** The server that this page comes from: its detectors stand in the list, its jobs on the other tab, and it trains. */
export function serverView(store: Store<State>): void {
  const card = element('div', 'server')
  const list = element('ul', 'server-jobs')
  const train = element('button', 'server-train')
  const said = element('p', 'server-said')
  const token = element('form', 'token')
  card.hidden = false

  /** A field for the token in place of what the server only does with one; a wrong one is said. */
  const askForToken = () => {
    if (token.hidden) {
      const title = hasToken() ? 'The server refused the token' : 'The server needs a token'
      showMessage(
        title,
        'Give one on the tab “Train your own”; it is kept until this tab is closed.',
      )
    }
    token.hidden = false
    train.hidden = true
  }
  token.addEventListener('submit', (event) => {
    event.preventDefault()
    const field = element('input', 'token-field')
    keepToken(field.value.trim())
    field.value = ''
    token.hidden = true
    train.hidden = false
    clearMessages()
    void look().then(() => (token.hidden ? train : field).focus())
  })

  const listDetectors = async () => {
    for (const { id, address } of await serverDetectors()) {
      const known = store.state.detectors.find((d) => d.id === `server:${id}`)
      if (known?.address === address) continue
      store.change((state) => ({
        ...state,
        detectors: state.detectors.filter((d) => d !== known),
      }))
      store.change(knowing({ id: `server:${id}`, name: `${id} (server)`, address }))
    }
  }
  let timer: ReturnType<typeof setTimeout> | undefined
  const look = async (): Promise<void> => {
    clearTimeout(timer)
    try {
      const jobs = await serverJobs()
      list.replaceChildren(...jobs.map((job) => create('li', {}, textOf(job))))
      await listDetectors()
      const isBusy = jobs.some((j) => j.status === 'running' || j.status === 'queued')
      timer = setTimeout(() => void look(), isBusy ? often : seldom)
    } catch (error) {
      // asked again when there is one
      if ((error as { code?: string }).code === needsToken) return askForToken()
      console.warn(error)
      timer = setTimeout(() => void look(), seldom)
    }
  }
  train.addEventListener('click', () => {
    const { images } = store.state.training
    const passes = wholeNumber(element('input', 'passes'), 'Passes')
    if (passes === undefined) return
    if (images.length < minImages)
      return showMessage('Too few images', `Choose at least ${minImages} good images.`, 'error')
    train.disabled = true
    trainThere(element('input', 'train-name').value, images, passes, (done) => {
      said.textContent = `Sent ${done} of ${images.length} images.`
    })
      .then((name) => {
        said.textContent = `The server learns “${name}”.`
        return look()
      }, showError)
      .finally(() => (train.disabled = false))
  })
  void look()
}

const textOf = ({ kind, detector, status, share, error }: ServerJob): string =>
  `${kind} ${detector}: ${status}${share === undefined ? '' : `, ${percent(share)} of this stage`}${error ? `: ${error}` : ''}`
