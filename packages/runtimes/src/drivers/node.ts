import type { Driver } from '../driver.js'
import { onnxruntimeNode } from './onnxruntime-node.js'

/** What runs in Node, the default first. */
export const drivers: readonly Driver[] = [onnxruntimeNode]
