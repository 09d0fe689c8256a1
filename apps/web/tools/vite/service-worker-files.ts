import { createHash } from 'node:crypto'
import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join, relative, resolve, sep } from 'node:path'
import type { Plugin } from 'vite'
import { shareFile } from './sharing.ts'

const hashOf = (content: string | Buffer) =>
  createHash('sha256').update(content).digest('hex').slice(0, 12)

/** The files of a built site with hashes of them, as they stand in `sw.js`, and a version that changes with any of them. */
export function listed(folder: string): { readonly files: string; readonly version: string } {
  const paths = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((e) => e.isFile())
    .map((e) => relative(folder, join(e.parentPath, e.name)).split(sep).join('/'))
    .filter((p) => p !== 'sw.js' && p !== shareFile)
    .sort()
  const hashes = paths.map((p) => [p, hashOf(readFileSync(join(folder, p)))] as const)
  const list = JSON.stringify(Object.fromEntries(hashes))
  return { files: JSON.stringify(list), version: hashOf(list) }
}

/** The list of the site's files and its version, written into `sw.js`. */
export function serviceWorkerFiles(): Plugin {
  let folder = ''
  return {
    name: 'service-worker-files',
    apply: 'build',
    configResolved(config) {
      folder = resolve(config.root, config.build.outDir)
    },
    closeBundle() {
      const { files, version } = listed(folder)
      const script = join(folder, 'sw.js')
      writeFileSync(
        script,
        readFileSync(script, 'utf8')
          .replace(/(['"`])__FILES__\1/, () => files)
          .replace('__VERSION__', version),
      )
    },
  }
}
