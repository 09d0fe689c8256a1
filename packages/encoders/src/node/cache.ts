import { join } from 'node:path'
import { cacheFolder } from '@cflow/weights/node'

/** Where the weights of an encoder lie once they have been pulled or imported. */
export function cachedWeightsPath(name: string): string {
  return join(cacheFolder(), 'encoders', `${name}.safetensors`)
}
