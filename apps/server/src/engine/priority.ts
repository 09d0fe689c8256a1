import { constants, getPriority, setPriority } from 'node:os'

/**
 * Lets other processes go first: this one, and the threads that it starts from now on, get a lower priority than it was
 * started with. Where that is not allowed it stays as it is.
 *
 * @param by steps of niceness; each is about a fifth less of a core that others want
 */
export function giveWay(by: number): void {
  try {
    setPriority(Math.min(constants.priority.PRIORITY_LOW, getPriority() + by))
  } catch {
    // not allowed here
  }
}
