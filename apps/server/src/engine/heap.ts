import { setFlagsFromString } from 'node:v8'

/**
 * Has this process collect what requests and batches leave when its heap has grown by a third: by default V8 lets it double, and
 * more, in between, and memory swings with it.
 */
export const boundHeap = (): void => setFlagsFromString('--heap-growing-percent=33')
