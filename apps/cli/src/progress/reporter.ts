import type { OnProgress, Progress, Stage } from '@cflow/trainer'
import type { Session } from '../io.js'

export interface ProgressReporter {
  readonly onProgress: OnProgress
  /** Leave the terminal clean for what is printed next. */
  end(): void
}

/** Progress on standard error. Being called at every step, it is also where Ctrl-C ends the work. */
export function progressReporter(
  session: Session,
  vectorsPerPass = 0,
  now?: () => number,
): ProgressReporter {
  const { show, end } = statusLine(session, now)
  let stage: Stage | undefined
  return {
    onProgress(p) {
      session.io.signal.throwIfAborted()
      show(
        (width) => progressLine(p, vectorsPerPass, width),
        p.stage !== stage || p.done >= p.total,
      )
      stage = p.stage
    },
    end,
  }
}

/** Milliseconds between two lines where there is no terminal, and between two redraws on one. */
const intervals = { plain: 3000, terminal: 100 }

/** On standard error: one line that changes on a terminal; elsewhere one every few seconds, none of what is soon over. */
export function statusLine({ io, quiet }: Session, now = () => performance.now()) {
  let last: number | undefined
  let open = false
  return {
    /**
     * Show what `text` says, when it is time.
     * @param text for so many columns
     * @param urgent on a terminal, at once
     */
    show(text: (width: number) => string, urgent = false): void {
      if (quiet) return
      const { columns } = io // a terminal may have changed its size
      const plain = columns === undefined
      last ??= plain ? now() : -Infinity
      const interval = plain ? intervals.plain : urgent ? 0 : intervals.terminal
      if (now() - last < interval) return
      last = now()
      open = !plain
      const width = plain ? Infinity : columns - 1
      io.err(plain ? `${text(width).trimEnd()}\n` : `\r${text(width).slice(0, width)}\u001b[K`)
    },
    /** Leave the terminal clean for what is printed next. */
    end(): void {
      if (open) io.err('\r\u001b[K')
      open = false
    },
  }
}

/** 95 → '1:35', 3700 → '1:01:40' */
export function clock(seconds: number): string {
  const s = Math.max(0, Math.round(seconds))
  const two = (n: number) => String(n).padStart(2, '0')
  const minutes = Math.floor(s / 60) % 60
  return s < 3600
    ? `${Math.floor(s / 60)}:${two(s % 60)}`
    : `${Math.floor(s / 3600)}:${two(minutes)}:${two(s % 60)}`
}

/** 12345 → '12k' */
function quantity(n: number): string {
  if (n >= 1e6) return `${(n / 1e6).toFixed(1)}M`
  if (n >= 1e4) return `${Math.round(n / 1e3)}k`
  return n >= 10 ? String(Math.round(n)) : n.toFixed(1)
}

/**
 * Progress as one line: stage, pass or images, loss of every scale, rate, time left. Where it does not fit, rate and losses
 * are left out first: how far it is and how long it takes are what a line is looked at for.
 * @param vectorsPerPass feature vectors of one pass, for the rate of training
 */
export function progressLine(p: Progress, vectorsPerPass: number, width = Infinity): string {
  const details = [
    { losses: true, rate: true },
    { losses: true, rate: false },
    { losses: false, rate: false },
  ]
  const lines = details.map((shown) => lineWith(p, vectorsPerPass, shown))
  return lines.find((line) => line.length <= width) ?? lines.at(-1)!
}

function lineWith(
  p: Progress,
  vectorsPerPass: number,
  shown: { readonly losses: boolean; readonly rate: boolean },
): string {
  const parts = [(p.stage === 'read' ? 'read images' : p.stage).padEnd(11)]
  if (p.stage === 'train') {
    const pass = Math.min(p.total, Math.floor(p.done) + (p.done >= p.total ? 0 : 1))
    parts.push(`pass ${pass}/${p.total}`, `${Math.floor((100 * p.done) / Math.max(p.total, 1))}%`)
    // a scale that this pass has not come to has no loss yet
    if (p.losses && shown.losses)
      parts.push(`loss ${p.losses.map((l) => (l === 0 ? '–' : l.toFixed(3))).join(' ')}`)
    if (p.rate && vectorsPerPass > 0 && shown.rate)
      parts.push(`${quantity(p.rate * vectorsPerPass)} vectors/s`)
  } else {
    parts.push(`${Math.floor(p.done)}/${p.total}`)
    const unit = p.stage === 'select' ? 'vectors' : 'images'
    if (p.rate && shown.rate) parts.push(`${quantity(p.rate)} ${unit}/s`)
  }
  if (p.secondsLeft !== undefined && p.done < p.total) parts.push(`${clock(p.secondsLeft)} left`)
  return parts.join('  ')
}
