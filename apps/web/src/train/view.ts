import type { SyntheticKind } from '@cflow/datasets'
import type { Progress } from '@cflow/trainer'
import { proxy } from 'comlink'
import { itemOf } from '../detect/item.js'
import type { Item, NewItem } from '../detect/item.js'
import { sortOut } from '../images/files.js'
import { imagePicker } from '../images/picker.js'
import { create, element } from '../ui/dom.js'
import { count, duration, short } from '../ui/format.js'
import { gallery } from '../ui/gallery.js'
import { Losses, lossChart } from '../ui/loss-chart.js'
import { clearMessages, showError, showMessage } from '../ui/messages.js'
import { answered } from '../worker/handle.js'
import type { Trained } from '../worker/train.js'
import { startJob, trainer } from './job.js'
import type { Job } from './job.js'
import { progressText, shareDone } from './progress.js'
import { showResult } from './result.js'

const [fewest, most] = [10, 200]
/** Built-in images to try the new detector on. */
const triedOn = 12

/** What a training leaves for the other tab. */
export interface NewDetector {
  readonly name: string
  readonly model: Blob
  /** Images to try it on, where there are some that it has not seen. */
  readonly images: readonly NewItem[]
}

/** The tab on which a detector is trained. */
export function trainView(useDetector: (detector: NewDetector) => void) {
  let items: readonly Item[] = []
  let tests: readonly NewItem[] = []
  let job: Job | undefined
  let checkpoint: Uint8Array | undefined
  let made: NewDetector | undefined
  let losses = new Losses()
  let stopped = false
  let said = 0

  const tiles = gallery(element('ul', 'train-gallery'))
  const start = element('button', 'train-start')
  const stop = element('button', 'train-stop')
  const goOn = element('button', 'train-continue')
  const discard = element('button', 'train-discard')
  const clear = element('button', 'train-clear')
  const make = element('button', 'generate')
  const name = element('input', 'train-name')
  const state = element('p', 'train-state')

  const say = (text: string) => {
    element('p', 'train-live').textContent = text
    said = performance.now()
  }
  const setButtons = (phase: 'idle' | 'running' | 'stopped') => {
    start.hidden = phase !== 'idle'
    stop.hidden = phase !== 'running'
    goOn.hidden = phase !== 'stopped'
    discard.hidden = phase !== 'stopped'
    clear.hidden = phase !== 'idle' || items.length === 0
    make.disabled = phase !== 'idle'
  }
  const render = () => {
    tiles.show(items)
    const missing = Math.max(0, fewest - items.length)
    element('p', 'train-count').textContent =
      items.length === 0
        ? ''
        : `${count(items.length, 'image')}${missing > 0 ? `; ${missing} more are needed` : ''}`
    if (!job) setButtons('idle')
  }

  const add = (added: readonly NewItem[]) => {
    if (job)
      return showMessage('A training is running', 'Stop it and start over to use other images.')
    const room = most - items.length
    if (added.length > room)
      showMessage('Too many images', `${most} are enough: the first ${room} of these are used.`)
    items = [...items, ...added.slice(0, room).map(itemOf)]
    checkpoint = undefined
    render()
  }

  const take = (files: Iterable<File>) => {
    const { images, others } = sortOut(files)
    if (others.length > 0)
      showMessage(
        others.length === 1
          ? `${others[0]!.name} is not an image`
          : `${others.length} files are not images`,
        'Use PNG, JPEG, WebP, GIF, AVIF or BMP.',
        'error',
      )
    add(images.map((f) => ({ name: f.name, blob: f })))
  }

  const removeAll = () => {
    items.forEach((i) => URL.revokeObjectURL(i.url))
    items = []
    tests = []
    checkpoint = undefined
    render()
  }

  const generate = async () => {
    const select = element('select', 'kind')
    const wanted = Number(element('input', 'kind-count').value)
    const n = Math.min(most, Math.max(fewest, Math.round(wanted) || fewest))
    make.disabled = true
    const handle = trainer()
    try {
      removeAll()
      const images = await answered(
        handle,
        handle.api.rendered(
          select.value as SyntheticKind,
          n,
          triedOn,
          proxy((done: number) => {
            element('p', 'train-count').textContent = `Making image ${done} of ${n + triedOn} …`
          }),
        ),
      )
      add(images.train)
      tests = images.test
      name.value = select.selectedOptions[0]?.text ?? select.value
    } catch (error) {
      showError(error)
    } finally {
      handle.close()
      make.disabled = false
    }
  }

  const onProgress = (progress: Progress) => {
    element('progress', 'train-bar').value = shareDone(progress)
    // the step under way when it was stopped still reports
    state.textContent = `${stopped ? 'Stopped. ' : ''}${progressText(progress)}`
    if (performance.now() - said > 10_000) say(progressText(progress))
    if (progress.stage !== 'train' || !progress.losses) return
    losses.add(progress.done, progress.losses)
    const latest = losses.latest.map(short).join(', ')
    element('div', 'train-loss').replaceChildren(
      create('p', { class: 'small' }, `Loss, from the fine scale to the coarse: ${latest}`),
      lossChart(losses, progress.total),
    )
  }

  const finish = ({ model, manifest, seconds }: Trained) => {
    const file = new Blob([model], { type: 'application/octet-stream' })
    const total = Object.values(seconds).reduce((a, b) => a + b, 0)
    state.textContent = `Done in ${duration(total)}.`
    element('progress', 'train-bar').value = 1
    say('The training is done.')
    made = { name: name.value, model: file, images: tests }
    showResult(manifest, file)
  }

  const run = async () => {
    clearMessages()
    if (items.length < fewest)
      return showMessage(
        'Too few images',
        `Choose at least ${fewest} good images; there ${items.length === 1 ? 'is' : 'are'} ${items.length}.`,
        'error',
      )
    element('div', 'train-progress').hidden = false
    element('div', 'train-result').hidden = true
    if (!checkpoint) {
      losses = new Losses()
      element('div', 'train-loss').replaceChildren()
    }
    state.textContent = 'Starting …'
    say('The training has started.')
    const passes = Math.min(
      50,
      Math.max(1, Math.round(Number(element('input', 'passes').value)) || 4),
    )
    const images = items.map((i) => ({ name: i.name, blob: i.blob }))
    const category = name.value.trim() || 'my parts'
    const mine = startJob(
      { images, category, passes, ...(checkpoint && { checkpoint }) },
      onProgress,
    )
    job = mine
    stopped = false
    setButtons('running')
    try {
      finish(await mine.result)
      checkpoint = undefined
    } catch (error) {
      if (job !== mine) return
      checkpoint = mine.checkpoint
      state.textContent = checkpoint
        ? 'It failed; Train goes on from the last pass that was finished.'
        : 'It failed.'
      showError(error)
    }
    job = undefined
    setButtons('idle')
  }

  imagePicker(element('div', 'train-pick'), 'Good images', take)
  make.addEventListener('click', () => void generate())
  clear.addEventListener('click', removeAll)
  start.addEventListener('click', () => void run())
  stop.addEventListener('click', () => {
    job?.pause()
    stopped = true
    state.textContent = `Stopped. ${state.textContent}`
    say('Stopped.')
    setButtons('stopped')
    goOn.focus()
  })
  goOn.addEventListener('click', () => {
    job?.resume()
    stopped = false
    setButtons('running')
    stop.focus()
  })
  discard.addEventListener('click', () => {
    const old = job
    job = undefined
    checkpoint = undefined
    old?.discard()
    element('div', 'train-progress').hidden = true
    setButtons('idle')
    start.focus()
  })
  element('button', 'train-use').addEventListener('click', () => made && useDetector(made))
  render()
  return { take }
}
