import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Plugin } from 'vite'

/** The builds of onnxruntime-web that the page can choose: WASM, and WebGPU. */
const names = ['ort-wasm-simd-threaded', 'ort-wasm-simd-threaded.asyncify']

const require = createRequire(import.meta.url)
const fileOf = (name: string) => require.resolve(`onnxruntime-web/${name}`)

/**
 * onnxruntime-web's files as they are, in the folder `ort/`: its threads start from a script with a known address, and
 * nothing comes from another site.
 * @param without files that come by another way
 */
export function ortFiles(without: readonly string[] = []): Plugin {
  const files = names
    .flatMap((name) => [`${name}.mjs`, `${name}.wasm`])
    .filter((file) => !without.includes(file))
  return {
    name: 'ort-files',
    generateBundle() {
      for (const file of files)
        this.emitFile({
          type: 'asset',
          fileName: `ort/${file}`,
          source: readFileSync(fileOf(file)),
        })
    },
    configureServer(server) {
      server.middlewares.use((request, response, next) => {
        const file = files.find((f) => request.url?.split('?')[0]?.endsWith(`/ort/${f}`))
        if (!file) return next()
        response.setHeader(
          'Content-Type',
          file.endsWith('.wasm') ? 'application/wasm' : 'text/javascript',
        )
        response.end(readFileSync(fileOf(file)))
      })
    },
  }
}
