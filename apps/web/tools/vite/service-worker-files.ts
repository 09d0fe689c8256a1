import { createHash } from 'node:crypto'
import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import type { Plugin } from 'vite'

/** The list of the site's files and a version that changes with any of them, written into `sw.js`. */
export function serviceWorkerFiles(): Plugin {
  let folder = ''
  return {
    name: 'service-worker-files',
    apply: 'build',
    configResolved(config) {
      folder = join(config.root, config.build.outDir)
    },
    closeBundle() {
      const paths = readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter((e) => e.isFile())
        .map((e) => relative(folder, join(e.parentPath, e.name)).split(sep).join('/'))
        .filter((p) => p !== 'sw.js')
        .sort()
      const hash = createHash('sha256')
      for (const p of paths) hash.update(p).update(readFileSync(join(folder, p)))
      const script = join(folder, 'sw.js')
      const version = hash.digest('hex').slice(0, 12)
      writeFileSync(
        script,
        readFileSync(script, 'utf8')
          .replace(/(['"`])__FILES__\1/, JSON.stringify(JSON.stringify(paths)))
          .replace('__VERSION__', version),
      )
    },
  }
}
