import type { OnProgress, Progress } from '@cflow/trainer'
import type { Session } from '../io.js'
import { progressLine } from './format.js'

/** Milliseconds between two lines where there is no terminal. */
const plainInterval = 3000
/** Milliseconds between two redraws on a terminal. */
const terminalInterval = 100

export interface ProgressReporter {
  readonly onProgress: OnProgress
  /** Leave the terminal clean for what is printed next. */
  end(): void
}

/**
 * Progress on standard error: one line that changes on a terminal, a line every few seconds elsewhere. Being called at
 * every step, it is also where Ctrl-C ends the work.
 */
export function progressReporter(
  session: Session,
  vectorsPerPass = 0,
  now: () => number = () => performance.now(),
): ProgressReporter {
  const { io, quiet } = session
  const { columns } = io
  let last = -Infinity
  let stage: Progress['stage'] | undefined
  let open = false
  const show = (p: Progress): void => {
    const line = progressLine(p, vectorsPerPass)
    if (columns === undefined) {
      io.err(`${line.trimEnd()}\n`)
      return
    }
    io.err(`\r${line.slice(0, columns - 1)}\u001b[K`)
    open = true
  }
  const end = (): void => {
    if (open) io.err('\r\u001b[K')
    open = false
  }
  return {
    onProgress(p) {
      io.signal.throwIfAborted()
      if (quiet) return
      const interval = columns === undefined ? plainInterval : terminalInterval
      const finished = p.done >= p.total
      // a terminal shows the next stage at once; lines of stages that are over in no time are left out
      if (p.stage !== stage) {
        stage = p.stage
        if (columns !== undefined) last = -Infinity
        else if (last === -Infinity) last = now()
      }
      if (now() - last < interval && !(finished && columns !== undefined)) return
      last = now()
      show(p)
    },
    end,
  }
}
