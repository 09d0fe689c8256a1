import type { DownloadOptions } from '@cflow/weights/node'
import type { Session } from '../io.js'
import { megabytes } from './size.js'

/** Milliseconds between two lines where there is no terminal, and between two redraws on one. */
const intervals = { plain: 3000, terminal: 100 }

/** Progress of a download on standard error: one line that changes on a terminal, a line every few seconds elsewhere. */
export function downloadReporter(
  { io, quiet }: Session,
  name: string,
  now: () => number = () => performance.now(),
): { readonly onProgress: NonNullable<DownloadOptions['onProgress']>; end(): void } {
  const { columns } = io
  const interval = columns === undefined ? intervals.plain : intervals.terminal
  let last = columns === undefined ? now() : -Infinity
  let first: { readonly bytes: number; readonly at: number } | undefined
  let open = false
  return {
    onProgress(bytes, total) {
      first ??= { bytes, at: now() }
      if (quiet || now() - last < interval) return
      last = now()
      const share = total ? `  ${Math.floor((100 * bytes) / total)}%` : ''
      const of = total ? ` of ${megabytes(total)}` : ''
      const seconds = (now() - first.at) / 1000
      const rate = seconds > 0 ? `  ${megabytes((bytes - first.bytes) / seconds)}/s` : ''
      const line = `${name}  ${megabytes(bytes)}${of}${share}${rate}`
      io.err(columns === undefined ? `${line}\n` : `\r${line.slice(0, columns - 1)}\u001b[K`)
      open = columns !== undefined
    },
    end() {
      if (open) io.err('\r\u001b[K')
      open = false
    },
  }
}
