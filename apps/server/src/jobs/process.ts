import { messageOf } from '@cflow/base'
import { kill, startChild } from '../engine/child.js'
import type { heartbeat } from './lease.js'
import type { FromJob, Task, ToJob } from './protocol.js'
import type { Timing } from './slice.js'

type ProcessEnd =
  | Extract<FromJob, { type: 'done' | 'failed' | 'paused' }>
  | { readonly type: 'crashed'; readonly text: string }
  | { readonly type: 'lost' }
  | { readonly type: 'cancelled' }

/** One process, from its start to its end. */
export function runProcess(
  timing: Timing,
  task: Task,
  signal: AbortSignal,
  alive: ReturnType<typeof heartbeat>,
  onStart: (pid: number | undefined) => void,
  onMessage: (message: FromJob) => void,
): Promise<ProcessEnd> {
  return new Promise((resolve) => {
    const child = startChild('child', import.meta.url)
    onStart(child.pid)
    const say = (message: ToJob) => child.connected && child.send(message, () => undefined)
    let last: ProcessEnd | undefined
    let stopping = false
    const timers: NodeJS.Timeout[] = []
    const later = (milliseconds: number, work: () => void) => timers.push(setTimeout(work, milliseconds)) // prettier-ignore
    const stop = () => {
      stopping = true
      say({ type: 'stop' })
      later(timing.stop, () => kill(child))
    }
    const abandon = () => kill(child)
    child.on('message', (message: FromJob) => {
      if (message.type === 'done' || message.type === 'failed' || message.type === 'paused')
        last = message
      else onMessage(message)
    })
    child.on('error', (error) => (last ??= { type: 'crashed', text: messageOf(error) }))
    child.on('close', (code, by) => {
      timers.forEach(clearTimeout)
      signal.removeEventListener('abort', stop)
      alive.signal.removeEventListener('abort', abandon)
      const why = alive.why()
      if (why) resolve({ type: why })
      else if (last) resolve(last)
      // it did not stop in time: what it saved stands
      else if (stopping) resolve({ type: 'paused' })
      else resolve({ type: 'crashed', text: `its process ended with ${by ?? code}` })
    })
    later(timing.slice, () => say({ type: 'pause' }))
    signal.addEventListener('abort', stop, { once: true })
    alive.signal.addEventListener('abort', abandon, { once: true })
    say({ type: 'start', task })
    if (signal.aborted) stop()
    if (alive.signal.aborted) abandon()
  })
}
