import type { Driver } from '../driver.js'
import { onnxruntimeWeb } from './onnxruntime-web.js'

/** What runs in browsers, the default first. */
export const drivers: readonly Driver[] = [onnxruntimeWeb]
