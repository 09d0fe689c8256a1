import { prepareRun } from '@cflow/trainer/node'
import { Interrupted } from './failure.js'
import type { Session } from './io.js'
import { progressReporter, type ProgressReporter } from './progress/reporter.js'

/**
 * Do the work of a command with its progress shown. However it ends, the terminal is left clean; when it fails, the
 * folder that was made for its results is removed again if it is still empty.
 * @param out folder of the results, made before any work; undefined where nothing is written
 */
export async function inRunFolder(
  session: Session,
  out: string | undefined,
  options: {
    /** Whether the folder holds checkpoints. */
    readonly checkpoint?: boolean
    readonly vectorsPerPass?: number
    /** What Ctrl-C leaves to go on with. */
    readonly interrupted?: () => string
  },
  work: (progress: ProgressReporter) => Promise<void>,
): Promise<void> {
  const { checkpoint = false, vectorsPerPass, interrupted } = options
  const undo = out === undefined ? undefined : await prepareRun(out, { checkpoint })
  const progress = progressReporter(session, vectorsPerPass)
  try {
    await work(progress)
  } catch (error) {
    progress.end()
    await undo?.()
    if (interrupted && session.io.signal.aborted) throw new Interrupted(interrupted())
    throw error
  }
}
