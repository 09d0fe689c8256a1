import { execFileSync } from 'node:child_process'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { build, preview } from 'vite'
import { ortFiles } from '../tools/vite/ort-files.ts'
import { conditions } from '../vite.config.ts'

export const appFolder = join(import.meta.dirname, '..')
export const artefacts = join(appFolder, 'test-results')

/** Build the site, unless Nx has just done it or nothing has changed (then its cache answers). */
export function buildSite(): void {
  if (process.env['NX_TASK_TARGET_TARGET'] === 'test') return
  execFileSync('npx', ['--no-install', 'nx', 'run', 'web:build'], {
    cwd: join(appFolder, '../..'),
    env: { ...process.env, NX_DAEMON: 'false', NX_TUI: 'false' },
    stdio: ['ignore', 'ignore', 'inherit'],
    shell: process.platform === 'win32',
  })
}

/** Build the page of the tests that call functions in a browser. */
export const buildInPage = (outDir: string, page = 'in-page') =>
  build({
    root: join(import.meta.dirname, page),
    configFile: false,
    base: './',
    logLevel: 'error',
    resolve: { conditions },
    build: { outDir, emptyOutDir: true, target: 'es2023', assetsInlineLimit: 0 },
    plugins: [ortFiles()],
  })

export interface Site {
  readonly url: string
  close(): Promise<void>
}

/** Serve the built site in a folder of a host. */
export const serveSite = (folder: string, headers?: Record<string, string>): Promise<Site> =>
  serveFolder(join(appFolder, 'dist'), folder, headers)

/** Serve built files in a folder of a host. */
export async function serveFolder(
  files: string,
  folder: string,
  headers: Record<string, string> = {},
): Promise<Site> {
  const server = await preview({
    root: appFolder,
    configFile: false,
    base: folder,
    logLevel: 'error',
    build: { outDir: files },
    preview: { host: '127.0.0.1', port: 0, headers },
  })
  const { port } = server.httpServer.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}${folder}`,
    close: () => server.close(),
  }
}
