import { openWith, type OpenOptions } from './driver.js'
import { drivers } from './drivers/node.js'
import type { Runtime } from './runtime.js'

export { checkThreads, type OpenOptions } from './driver.js'
export type { Runtime, Session, Tensors } from './runtime.js'

/**
 * Open a runtime: here onnxruntime-node (default) or TensorFlow.js, whose library is loaded now.
 * @throws CflowError RUNTIME when the library is not installed, or lacks the device; USAGE for options that are wrong
 */
export const openRuntime = (options?: OpenOptions): Promise<Runtime> => openWith(drivers, options)
