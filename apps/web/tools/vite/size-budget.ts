import { gzipSync } from 'node:zlib'
import type { Plugin } from 'vite'

const counted = /\.(js|mjs|css|html|svg|webmanifest)$/
/** What comes when it is asked for: the trainer, other builds of onnxruntime-web, the zip of an export, a server's part. */
const later = /(^|\/)(train|ort\.webgpu\.min|browser|view)-|asyncify|jspi|^sw\.js$/

/**
 * Print the compressed size of the first load without onnxruntime-web's WASM, weights and images.
 * @param budget bytes (gzip) above which the build fails
 */
export function sizeBudget(budget: number): Plugin {
  return {
    name: 'size-budget',
    apply: 'build',
    writeBundle(_, bundle) {
      const sizes = Object.values(bundle)
        .filter(({ fileName }) => counted.test(fileName))
        .map((file) => {
          const bytes = gzipSync(file.type === 'chunk' ? file.code : file.source, { level: 9 })
          return { name: file.fileName, bytes: bytes.length, first: !later.test(file.fileName) }
        })
        .sort((a, b) => b.bytes - a.bytes)
      for (const { name, bytes, first } of sizes)
        console.log(
          `${(bytes / 1000).toFixed(1).padStart(8)} kB  ${name}${first ? '' : ' (later)'}`,
        )
      const total = sizes.filter((s) => s.first).reduce((n, s) => n + s.bytes, 0)
      const text = `first load without the model: ${(total / 1000).toFixed(1)} kB compressed, at most ${budget / 1000} kB`
      if (total > budget) this.error(text)
      console.log(text)
    },
  }
}
