import { openWith, type OpenOptions } from './driver.js'
import { drivers } from './drivers/browser.js'
import type { Runtime } from './runtime.js'

export { checkThreads, type OpenOptions } from './driver.js'
export type { Runtime, Session, Tensors } from './runtime.js'

/**
 * Open a runtime: here onnxruntime-web, whose library is loaded now. It also runs in Node, on WASM with one thread.
 * @throws CflowError RUNTIME when the library cannot be loaded, or there is no such device; USAGE for options that are
 *   wrong
 */
export const openRuntime = (options?: OpenOptions): Promise<Runtime> => openWith(drivers, options)
