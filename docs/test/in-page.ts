import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createServer } from 'vite'
import { afterAll } from 'vitest'
import { chromiumPath, launchChromium } from '../../apps/web/test/chromium.js'
import { docs, workspace } from './blocks.js'

type Open = (code: string) => Promise<string>
let opened: Promise<Open | undefined> | undefined
const closing: (() => Promise<unknown>)[] = []
afterAll(() => Promise.all(closing.map((close) => close())))

/**
 * A site that holds `/model.onnx` and photographs of a folder, and gives pages on which code runs.
 * @returns runs code as a module of a page with eight images, and gives the page's title; undefined without Chromium
 */
export const openPages = (fixture: string): Promise<Open | undefined> => (opened ??= open(fixture))

async function open(fixture: string): Promise<Open | undefined> {
  const path = chromiumPath()
  if (!path) return undefined
  const root = join(docs, '.blocks', 'site')
  await mkdir(root, { recursive: true })
  const site = await createServer({
    ...{ root, configFile: false, logLevel: 'error', publicDir: fixture },
    cacheDir: join(root, 'cache'),
    resolve: { conditions: ['@cflow/source', 'module', 'browser', 'development|production'] },
    optimizeDeps: { noDiscovery: true, include: [] },
    server: { fs: { allow: [workspace] }, hmr: false, watch: null },
  })
  await site.listen(0)
  const browser = await launchChromium(path)
  closing.push(
    () => browser.close(),
    () => site.close(),
  )
  let count = 0
  return async (code) => {
    const name = `page-${count++}`
    const images = Array.from({ length: 8 }, (_, i) => `<img src="/photos/good/${i}.png">`)
    await writeFile(join(root, `${name}.ts`), `${code}\ndocument.body.dataset['done'] = 'yes'\n`)
    await writeFile(
      join(root, `${name}.html`),
      `<!doctype html><body>${images.join('')}<script type="module" src="./${name}.ts"></script></body>`,
    )
    const page = await browser.newPage()
    const errors: string[] = []
    page.on('pageerror', (error) => errors.push(String(error)))
    await page.goto(`${site.resolvedUrls!.local[0]}${name}.html`)
    await page.waitForFunction(() => document.body.dataset['done'], undefined, { timeout: 60_000 })
      .catch((error: unknown) => {
        throw new Error(errors.join('\n') || 'the page did not end', { cause: error })
      }) // prettier-ignore
    const title = await page.title()
    await page.close()
    return title
  }
}
