import type { Driver } from '../driver.js'
import { onnxruntimeNode } from './onnxruntime-node.js'

/** In pages `@cflow/runtimes/tfjs` is asked for by an import, so that nothing of it is in the others. */
const tfjs: Driver = {
  name: 'tfjs',
  devices: ['tensorflow', 'wasm', 'cpu'],
  open: async (options) => (await import('../tfjs/index.js')).tfjs.open(options),
}

/** What runs in Node, the default first. */
export const drivers: readonly Driver[] = [onnxruntimeNode, tfjs]
