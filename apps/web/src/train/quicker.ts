import type { EngineId } from '../engine/engines.js'

/** So much quicker one thread must be: threads are the quicker ones where nothing else runs. */
const clearly = 0.9

/** The quicker way to train, by the milliseconds that the same work took. */
export const quicker = (threads: number, single: number): EngineId =>
  single < clearly * threads ? 'single' : 'threads'
