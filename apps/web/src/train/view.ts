import type { SyntheticKind } from '@cflow/datasets'
import type { Progress } from '@cflow/trainer'
import { proxy } from 'comlink'
import { itemOf, type Item, type NewItem } from '../detect/item.js'
import { imagesOf } from '../images/files.js'
import { imagePicker } from '../images/picker.js'
import { create, element } from '../ui/dom.js'
import { count, duration } from '../ui/format.js'
import { gallery } from '../ui/gallery.js'
import { addLosses, latestText, lossChart, type Losses } from '../ui/loss-chart.js'
import { clearMessages, showError, showMessage } from '../ui/messages.js'
import type { Trained } from '../worker/train.js'
import { startJob, trainer, type Job } from './job.js'
import { progressText, shareDone } from './progress.js'
import { showResult } from './result.js'

const [minImages, maxImages] = [10, 200]
/** Built-in images to try the new detector on. */
const triedOn = 12

/**
 * The tab on which a detector is trained.
 * @param useDetector takes it to the other tab, with images that it has not seen where there are some
 */
export function trainView(
  useDetector: (name: string, model: Blob, tests: readonly NewItem[]) => void,
) {
  let items: readonly Item[] = []
  let tests: readonly NewItem[] = []
  let job: Job | undefined
  let checkpoint: Uint8Array | undefined
  let losses: Losses = []
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
    const missing = Math.max(0, minImages - items.length)
    const text = `${count(items.length, 'image')}${missing > 0 ? `; ${missing} more are needed` : ''}`
    element('p', 'train-count').textContent = items.length === 0 ? '' : text
    if (!job) setButtons('idle')
  }

  const add = (added: readonly NewItem[]) => {
    if (job)
      return showMessage('A training is running', 'Stop it and start over to use other images.')
    const room = maxImages - items.length
    if (added.length > room)
      showMessage(
        'Too many images',
        `${maxImages} are enough: the first ${room} of these are used.`,
      )
    items = [...items, ...added.slice(0, room).map(itemOf)]
    checkpoint = undefined
    render()
  }

  const take = (files: Iterable<File>) => add(imagesOf(files))

  const removeAll = () => {
    items.forEach((i) => URL.revokeObjectURL(i.url))
    items = []
    tests = []
    checkpoint = undefined
    render()
  }

  const generate = async () => {
    const select = element('select', 'kind')
    const n = wholeNumber('kind-count', minImages, maxImages, minImages)
    make.disabled = true
    const handle = trainer()
    try {
      removeAll()
      const images = await handle.answered(
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
    addLosses(losses, progress.done, progress.losses)
    element('div', 'train-loss').replaceChildren(
      create(
        'p',
        { class: 'small' },
        `Loss, from the fine scale to the coarse: ${latestText(losses)}`,
      ),
      lossChart(losses, progress.total),
    )
  }

  const finish = ({ model, manifest, seconds }: Trained) => {
    const file = new Blob([model], { type: 'application/octet-stream' })
    const total = Object.values(seconds).reduce((a, b) => a + b, 0)
    state.textContent = `Done in ${duration(total)}.`
    element('progress', 'train-bar').value = 1
    say('The training is done.')
    const [called, unseen] = [name.value, tests]
    element('button', 'train-use').onclick = () => useDetector(called, file, unseen)
    showResult(manifest, file)
  }

  const run = async () => {
    clearMessages()
    if (items.length < minImages)
      return showMessage(
        'Too few images',
        `Choose at least ${minImages} good images; there ${items.length === 1 ? 'is' : 'are'} ${items.length}.`,
        'error',
      )
    element('div', 'train-progress').hidden = false
    element('div', 'train-result').hidden = true
    if (!checkpoint) {
      losses = []
      element('div', 'train-loss').replaceChildren()
    }
    state.textContent = 'Starting …'
    say('The training has started.')
    const passes = wholeNumber('passes', 1, 50, 4)
    const images = items.map((i) => ({ name: i.name, blob: i.blob }))
    const category = name.value.trim() || 'my parts'
    const input = { images, category, passes, ...(checkpoint && { checkpoint }) }
    const mine = startJob(input, onProgress)
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
  render()
  return { take }
}

const wholeNumber = (id: string, min: number, max: number, otherwise: number): number =>
  Math.min(max, Math.max(min, Math.round(Number(element('input', id).value)) || otherwise))
