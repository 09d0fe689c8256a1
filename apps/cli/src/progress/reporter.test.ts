import { expect, it } from 'vitest'
import type { Progress } from '@cflow/trainer'
import type { Session } from '../io.js'
import { clock, progressLine, progressReporter } from './reporter.js'

function sessionWith(columns: number | undefined, signal = new AbortController().signal) {
  const written: string[] = []
  const io = { out: () => undefined, err: (t: string) => void written.push(t), columns, env: {} }
  const session: Session = {
    io: { ...io, signal },
    json: false,
    quiet: false,
    debug: false,
    exitCode: 0,
  }
  return { session, written }
}

const training: Progress = {
  stage: 'train',
  done: 1.25,
  total: 8,
  losses: [1.23456, -0.5, 0],
  rate: 0.5,
  secondsLeft: 13.5,
}

it('tells stage, pass, loss of every scale, vectors a second and time left', () => {
  const line = progressLine(training, 100_000)
  expect(line).toBe('train        pass 2/8  15%  loss 1.235 -0.500 –  50k vectors/s  0:14 left')
  const done = progressLine({ stage: 'evaluate', done: 5, total: 5, rate: 2.25 }, 0)
  expect(done).toBe('evaluate     5/5  2.3 images/s')
  expect(clock(3700)).toBe('1:01:40')
})

it('is as wide as the terminal, and leaves out what is least needed where it is narrow', () => {
  const long = { ...training, losses: [-1234.567, -1234.567, -1234.567, -0.5] }
  const whole = progressLine(long, 100_000)
  expect(whole.length).toBeGreaterThan(80)
  for (const [columns, shown] of [
    [200, whole],
    [81, progressLine(long, 0)],
  ] as const) {
    const { session, written } = sessionWith(columns)
    progressReporter(session, 100_000).onProgress(long)
    expect(written[0]!.slice(1, -3)).toBe(shown)
  }
  for (let width = 40; width < 120; width++)
    expect(progressLine(long, 100_000, width)).toMatch(/^train +pass 2\/8 .*0:14 left$/)
  const { session, written } = sessionWith(50)
  const { onProgress } = progressReporter(session, 100_000, () => written.length * 1000)
  onProgress(long)
  Object.assign(session.io, { columns: 200 })
  onProgress(long)
  expect(written.map((line) => line.length > 81)).toEqual([false, true])
})

it('rewrites one line on a terminal, cut to its width', () => {
  const { session, written } = sessionWith(40)
  const { onProgress, end } = progressReporter(session)
  onProgress(training)
  end()
  expect(written).toHaveLength(2)
  expect(written[0]).toMatch(/^\rtrain/)
  expect(written[0]!.length).toBeLessThanOrEqual(40 + '\r\u001b[K'.length)
  expect(written[1]).toBe('\r\u001b[K')
})

it('shows the stage that work returns to at once on a terminal', () => {
  const { session, written } = sessionWith(80)
  const { onProgress } = progressReporter(session, 1, () => 0)
  const looking: Progress = { stage: 'evaluate', done: 6, total: 6 }
  for (const p of [training, training, looking, training, training]) onProgress(p)
  expect(written.map((line) => line.slice(1, 9).trimEnd())).toEqual(['train', 'evaluate', 'train'])
})

it('writes a line every few seconds elsewhere', () => {
  const { session, written } = sessionWith(undefined)
  let now = 0
  const { onProgress, end } = progressReporter(session, 1, () => now)
  for (; now < 10_000; now += 100) onProgress(training)
  end()
  expect(written).toHaveLength(3)
  for (const line of written) expect(line).toMatch(/^train .*\n$/)
})

it('ends the work after Ctrl-C, and is silent when asked', () => {
  const controller = new AbortController()
  const { session, written } = sessionWith(80, controller.signal)
  session.quiet = true
  const { onProgress } = progressReporter(session)
  onProgress(training)
  expect(written).toEqual([])
  controller.abort(new Error('stop'))
  expect(() => onProgress(training)).toThrow('stop')
})
