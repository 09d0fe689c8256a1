import type { SyntheticKind } from '@cflow/datasets'
import { proxy } from 'comlink'
import type { Item, NewItem } from '../detect/item.js'
import { friendly } from '../errors.js'
import { imagesOf } from '../images/files.js'
import { imagePicker } from '../images/picker.js'
import {
  inPhase,
  learnFrom,
  learnFromOnly,
  tryOn,
  unreadable,
  type KnownDetector,
  type State,
} from '../state/state.js'
import type { Store } from '../state/store.js'
import { ask } from '../ui/ask.js'
import { create, element } from '../ui/dom.js'
import { count, duration } from '../ui/format.js'
import { gallery } from '../ui/gallery.js'
import { addLosses, latestText, lossChart, type Losses } from '../ui/loss-chart.js'
import { clearMessages, showError, showMessage } from '../ui/messages.js'
import { titleEnd, titleProgress } from '../ui/title.js'
import { wholeNumber } from '../ui/whole-number.js'
import type { Trained, TrainingProgress } from '../worker/train.js'
import { trainingGuard } from './guard.js'
import { startJob, trainer, type Job } from './job.js'
import { keepingTraining } from './keeping.js'
import { maxImages, minImages } from './limits.js'
import { previewView } from './previews.js'
import { progressText, shareDone, timeLeft } from './progress.js'
import { showResult } from './result.js'

/** Built-in images to try the new detector on. */
const triedOn = 12
/** Mark of images that are made here. */
const made = 'made'

/**
 * The tab on which a detector is trained.
 * @param onTrained lists and keeps a detector. @returns its id
 * @param useDetector takes it to the other tab
 */
export function trainView(
  store: Store<State>,
  onTrained: (detector: Pick<KnownDetector, 'name' | 'file' | 'tests'>) => string,
  useDetector: (id: string) => void,
) {
  let job: Job | undefined
  let checkpoint: Uint8Array | undefined
  let losses: Losses = []
  let said = 0
  let clock = timeLeft()

  const tiles = gallery(element('ul', 'train-gallery'), {
    onRemove: (id) => store.change(learnFromOnly((i) => i.id !== id)),
  })
  const start = element('button', 'train-start')
  const stop = element('button', 'train-stop')
  const goOn = element('button', 'train-continue')
  const early = element('button', 'train-finish')
  const discard = element('button', 'train-discard')
  const clear = element('button', 'train-clear')
  const make = element('button', 'generate')
  const name = element('input', 'train-name')
  const state = element('p', 'train-state')
  const counted = element('p', 'train-count')
  const bar = element('progress', 'train-bar')
  const guard = trainingGuard()
  const previews = previewView()

  const say = (text: string) => {
    element('p', 'train-live').textContent = text
    said = performance.now()
  }

  store.watch(({ training }, before) => {
    const { images, phase } = training
    if (training === before?.training) return
    // a checkpoint is of the images that it was made from
    if (before && idsOf(images) !== idsOf(before.training.images)) checkpoint = undefined
    start.hidden = phase !== 'idle' && phase !== 'making'
    start.disabled = phase === 'making'
    stop.hidden = phase !== 'running'
    goOn.hidden = phase !== 'stopped'
    early.hidden = phase !== 'stopped'
    discard.hidden = phase !== 'stopped'
    clear.hidden = phase !== 'idle' || images.length === 0
    make.disabled = phase !== 'idle'
    guard(phase === 'running' || phase === 'stopped')
    tiles.show(images.map(tileOf), undefined, phase !== 'idle')
    if (phase === 'making') return
    const missing = Math.max(0, minImages - images.length)
    const text = `${count(images.length, 'image')}${missing > 0 ? `; ${missing} more are needed` : ''}`
    counted.textContent = images.length === 0 ? '' : text
  })

  const keeping = keepingTraining(
    store,
    () => {
      const from = job?.checkpoint ?? checkpoint
      return {
        ...{ name: name.value, passes: element('input', 'passes').value },
        ...(from && { checkpoint: from }),
      }
    },
    (kept) => {
      name.value = kept.name
      element('input', 'passes').value = kept.passes
      for (const of of new Set(kept.images.map((i) => i.of)))
        store.change(
          learnFrom(
            kept.images.filter((i) => i.of === of),
            of,
          ),
        )
      store.change(tryOn(kept.tests))
      checkpoint = kept.checkpoint
      if (kept.isRunning) {
        showMessage(
          'The training goes on',
          checkpoint
            ? 'The page was left while it ran: it goes on from the last checkpoint.'
            : 'The page was left while it ran: it begins again, with the same photographs.',
        )
        void run(true)
      } else if (checkpoint)
        showMessage('A stopped training is kept', 'Train goes on where it was stopped.')
    },
  )

  const add = (added: readonly NewItem[], of?: string) => {
    const { images, phase } = store.state.training
    if (phase === 'running' || phase === 'stopped')
      return showMessage('A training is running', 'Stop it and start over to use other images.')
    const room = maxImages - images.length
    if (added.length > room)
      showMessage(
        'Too many images',
        `${maxImages} are enough: the first ${room} of these are used.`,
      )
    store.change(learnFrom(added.slice(0, room), of))
  }

  const take = (files: Iterable<File>) => add(imagesOf(files))

  const removeAll = () => store.change(learnFromOnly(() => false))

  /** Whether images that a person brought may go. */
  const mayRemove = async (): Promise<boolean> => {
    const own = store.state.training.images.filter((i) => i.of === undefined).length
    if (own === 0) return true
    const what = `your ${count(own, 'image')}`
    return ask(`Remove ${what}?`, 'The made images take their place.', `Remove ${what}`)
  }

  const generate = async () => {
    clearMessages()
    const select = element('select', 'kind')
    const n = wholeNumber(element('input', 'kind-count'), 'Images')
    if (n === undefined || !(await mayRemove())) return
    removeAll()
    store.change(inPhase('making'))
    const handle = trainer()
    try {
      const images = await handle.answered(
        handle.api.rendered(
          select.value as SyntheticKind,
          n,
          triedOn,
          proxy((done: number) => {
            // Firefox may tell it after the answer
            if (store.state.training.phase === 'making')
              counted.textContent = `Making image ${done} of ${n + triedOn} …`
          }),
        ),
      )
      add(images.train, made)
      store.change(tryOn(images.test))
      name.value = select.selectedOptions[0]?.text ?? select.value
    } catch (error) {
      showError(error)
    } finally {
      handle.close()
      store.change(inPhase('idle'))
    }
  }

  const onProgress = (progress: TrainingProgress) => {
    if (!job) return
    bar.value = shareDone(progress)
    titleProgress(bar.value)
    // the step under way when it was stopped still reports
    const text = progressText(progress, clock.of(bar.value))
    state.textContent = `${store.state.training.phase === 'stopped' ? 'Stopped. ' : ''}${text}`
    if (performance.now() - said > 10_000) say(text)
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
    bar.value = 1
    say('The training is done.')
    const called = manifest.category
    titleEnd(`✓ Trained: ${called}`)
    const isElsewhere = Boolean(element('section', 'panel-train').hidden)
    element('button', 'tab-train').classList.toggle('news', isElsewhere)
    const id = onTrained({ name: called, file, tests: store.state.training.tests })
    previews.hide()
    element('button', 'train-use').onclick = () => useDetector(id)
    showResult(manifest, file)
  }

  /** Say which images are left out, all at once when they are known. */
  const tellUnreadable = (left: readonly Item[]) => {
    if (left.length === 0) return
    const reasons = left.map((i) => i.failure?.text ?? i.name)
    showMessage(
      `Left out: ${count(left.length, 'image')}`,
      reasons.slice(0, 5).join(' ') + (left.length > 5 ? ` And ${left.length - 5} more.` : ''),
    )
  }

  const run = async (isAgain = false): Promise<void> => {
    if (!isAgain) clearMessages()
    const { images } = store.state.training
    const passes = wholeNumber(element('input', 'passes'), 'Passes')
    if (passes === undefined) return
    if (images.length < minImages)
      return showMessage(
        'Too few images',
        `Choose at least ${minImages} good images; there ${images.length === 1 ? 'is' : 'are'} ${images.length}.`,
        'error',
      )
    element('div', 'train-progress').hidden = false
    element('div', 'train-result').hidden = true
    previews.hide()
    if (!checkpoint) {
      losses = []
      element('div', 'train-loss').replaceChildren()
    }
    state.textContent = 'Starting …'
    clock = timeLeft()
    say('The training has started.')
    const category = name.value.trim() || 'my parts'
    const input = {
      images: images.map((i) => ({ name: i.name, blob: i.blob })),
      ...{ category, passes },
      ...(checkpoint && { checkpoint }),
    }
    const leftOut = new Map<number, Item>()
    let told = false
    const tellOnce = () => {
      if (!told) tellUnreadable([...leftOut.values()])
      told = true
    }
    const mine = startJob(
      input,
      (id) => void (element('div', 'train-progress').dataset['engine'] = id),
      (progress) => {
        if (progress.stage !== 'check') tellOnce()
        if (job === mine) onProgress(progress)
      },
      ({ index, error }) => {
        const image = images[index]!
        const failure = friendly({
          ...error,
          message: error.message.replace('(image bytes)', image.name),
        })
        leftOut.set(index, { ...image, failure })
        store.change(unreadable(image.id, failure))
      },
      keeping.changed,
      (preview) => {
        if (job === mine) previews.show(preview, images)
      },
    )
    job = mine
    const hadFocus = document.activeElement === start
    store.change(inPhase('running'))
    if (hadFocus) stop.focus()
    try {
      const done = await mine.result
      tellOnce()
      finish(done)
      checkpoint = undefined
    } catch (error) {
      if (job !== mine) return
      tellOnce()
      // made by another version of the page, or of other images
      if (input.checkpoint && (error as { code?: string }).code === 'CHECKPOINT') {
        job = checkpoint = undefined
        store.change(inPhase('idle'))
        return run(true)
      }
      checkpoint = mine.checkpoint
      state.textContent = checkpoint
        ? 'It failed; Train goes on from the last pass that was finished.'
        : 'It failed.'
      previews.hide()
      titleEnd('✕ The training failed')
      showError(error)
    }
    job = undefined
    store.change(inPhase('idle'))
  }

  imagePicker(element('div', 'train-pick'), 'Good images', take)
  make.addEventListener('click', () => void generate())
  clear.addEventListener('click', () => {
    removeAll()
    element('div', 'train-pick').querySelector('button')?.focus()
  })
  start.addEventListener('click', () => void run())
  stop.addEventListener('click', () => {
    job?.pause()
    clock.hold()
    state.textContent = `Stopped. ${state.textContent}`
    say('Stopped.')
    store.change(inPhase('stopped'))
    goOn.focus()
  })
  goOn.addEventListener('click', () => {
    job?.resume()
    clock.goOn()
    store.change(inPhase('running'))
    stop.focus()
  })
  early.addEventListener('click', () => {
    job?.finish()
    clock.goOn()
    state.textContent = 'Finishing with what was learned …'
    say('Finishing with what was learned.')
    store.change(inPhase('running'))
    stop.focus()
  })
  discard.addEventListener('click', () => {
    const old = job
    job = undefined
    checkpoint = undefined
    old?.discard()
    previews.hide()
    element('div', 'train-progress').hidden = true
    titleEnd()
    store.change(inPhase('idle'))
    start.focus()
  })
  return { take }
}

const idsOf = (images: readonly Item[]): string => images.map((i) => i.id).join()

const tileOf = ({ id, name, url, failure }: Item) => ({
  ...{ id, name, url },
  ...(failure && { verdict: { text: 'left out', word: '', kind: 'error' as const } }),
})
