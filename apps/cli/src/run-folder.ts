import { openRun, type Run } from '@cflow/trainer/node'
import { Interrupted } from './failure.js'
import type { Session } from './io.js'
import { progressReporter, type ProgressReporter } from './progress/reporter.js'

type RunOptions = Parameters<typeof openRun>[1]

/**
 * Do the work of a command with its progress shown, the folder of its results locked meanwhile. However it ends, the
 * terminal is left clean and the folder says how it ended; where nothing was written the folder is as it was before.
 * @param out folder of the results; undefined where nothing is written
 */
export async function inRunFolder<O extends string | undefined>(
  session: Session,
  out: O,
  options: RunOptions & {
    readonly vectorsPerPass?: number
    /** What Ctrl-C leaves to go on with. */
    readonly interrupted?: () => string
  },
  work: (
    progress: ProgressReporter,
    run: O extends string ? Run : Run | undefined,
  ) => Promise<void>,
): Promise<void> {
  const { vectorsPerPass, interrupted, ...rest } = options
  const run = out === undefined ? undefined : await openRun(out, rest)
  const progress = progressReporter(session, vectorsPerPass)
  try {
    await work(progress, run as O extends string ? Run : undefined)
    await run?.end('complete')
  } catch (error) {
    progress.end()
    const { aborted } = session.io.signal
    await run?.end(aborted ? 'interrupted' : 'failed').catch(() => undefined)
    if (interrupted && aborted) throw new Interrupted(interrupted())
    throw error
  }
}
