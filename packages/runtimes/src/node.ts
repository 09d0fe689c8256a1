import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { drivers } from './drivers/node.js'

export { physicalCores } from './cores.js'

/** Every device that a runtime in Node may have, as `--device` takes it; whether it is here is known when it is opened. */
export const devices: readonly string[] = drivers.flatMap((d) =>
  d.devices.map((device) => `${d.name}:${device}`),
)

/** The libraries that runtimes are made of, each with its version; undefined where it is not installed. */
export function libraries(): Readonly<Record<string, string | undefined>> {
  const require = createRequire(import.meta.url)
  const names = ['onnxruntime-node', 'onnxruntime-web', ...['core', 'backend-wasm', 'backend-cpu', 'node', 'node-gpu'].map((n) => `@tensorflow/tfjs-${n}`)] // prettier-ignore
  return Object.fromEntries(
    names.map((name) => {
      const folders = require.resolve.paths(name) ?? []
      const found = folders.flatMap((folder) => versionIn(join(folder, name)) ?? []) // prettier-ignore
      return [name, found[0]]
    }),
  )
}

/** Of the package in a folder. */
function versionIn(folder: string): string | undefined {
  try {
    const text = readFileSync(join(folder, 'package.json'), 'utf8')
    return (JSON.parse(text) as { version?: string }).version
  } catch {
    return undefined
  }
}
