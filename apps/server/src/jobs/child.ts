/** A process that does one slice of one job, and ends. It knows neither database nor storage: its parent does. */
import { sep } from 'node:path'
import { plainError } from '../engine/plain-error.js'
import { giveWay } from '../engine/priority.js'
import type { FromJob, Task, ToJob } from './protocol.js'
import { perform } from './work.js'

// where the parent is gone there is nobody to tell: `disconnect` ends this process
const tell = (message: FromJob) => void process.send?.(message, () => undefined)
const end = (message: FromJob) => process.send?.(message, () => process.exit(0))

const controller = new AbortController()
let pausing = false
/** Passes that were over when this process began to learn. */
let passes: number | undefined

// who serves goes first
giveWay(12)
// the parent is gone: what was not handed over is lost, and somebody else goes on
process.on('disconnect', () => process.exit(1))
// a terminal tells everybody; the parent decides
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => undefined)
process.on('message', (message: ToJob) => {
  if (message.type === 'start') void run(message.task)
  if (message.type === 'pause') pausing = true
  if (message.type === 'stop') controller.abort()
})

async function run(task: Task): Promise<void> {
  const plain = (text: string) => withoutPaths(task, text)
  try {
    const done = await perform(task, {
      signal: controller.signal,
      log: (text) => tell({ type: 'log', text: plain(text) }),
      onCheckpoint() {
        tell({ type: 'checkpoint' })
        // of a choice of settings: another candidate is done, or a pass of the training after it
        if (pausing && task.input.kind === 'tune') controller.abort()
      },
      onProgress(progress) {
        tell({ type: 'progress', progress })
        if (progress.stage !== 'train') return
        passes ??= Math.floor(progress.done)
        // a pass is over and saved, and at least one since this slice began: the next loses nothing
        if (Math.floor(progress.done) <= passes) return
        if (pausing && task.input.kind !== 'tune' && progress.done < progress.total)
          controller.abort()
        if (!pausing) passes = Math.floor(progress.done)
      },
    })
    end({ type: 'done', ...done })
  } catch (error) {
    if (controller.signal.aborted) end({ type: 'paused' })
    else {
      const { message, subject, ...rest } = plainError(error)
      const about = subject === undefined ? {} : { subject: plain(subject) }
      end({ type: 'failed', error: { ...rest, message: plain(message), ...about } })
    }
  }
}

/** Where things lie on this machine says nothing to who asked: an image is named by its place in the data set. */
const withoutPaths = ({ images, out }: Task, text: string): string =>
  [images, out].reduce<string>(
    (rest, path) =>
      path === undefined ? rest : rest.replaceAll(path + sep, '').replaceAll(path, '.'),
    text,
  )
