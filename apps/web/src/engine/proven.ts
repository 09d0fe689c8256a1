import { quicker } from '../train/quicker.js'
import type { EngineId } from './engines.js'

type Run = () => Promise<unknown>

/**
 * Whether several threads are quicker here and now than one, by one run each after one that prepares; one after the other, as
 * they would be in each other's way.
 * @param now milliseconds
 */
export async function proven(
  threads: Run,
  single: Run,
  now = () => performance.now(),
): Promise<EngineId> {
  const timed = async (run: Run) => {
    await run()
    const began = now()
    await run()
    return now() - began
  }
  return quicker(await timed(threads), await timed(single))
}
