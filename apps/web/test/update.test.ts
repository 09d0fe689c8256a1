import { cp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { temporaryFolder } from '@cflow/base/testing'
import type { Browser, BrowserContext } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { listed } from '../tools/vite/service-worker-files.ts'
import { chromiumPath, launchChromium } from './chromium.ts'
import { settled } from './page.ts'
import { appFolder, buildSite } from './site.ts'

const types: Readonly<Record<string, string>> = {
  html: 'text/html',
  js: 'text/javascript',
  mjs: 'text/javascript',
  css: 'text/css',
  wasm: 'application/wasm',
  svg: 'image/svg+xml',
}

describe.skipIf(!chromiumPath())('a new version of the site', () => {
  let folder: string
  let server: Server
  let browser: Browser
  let context: BrowserContext
  let asked: string[] = []
  /** What the host gives later, and when. */
  let held: { readonly path: string; readonly until: Promise<void> } | undefined
  /** A host that lets browsers keep everything for an hour. */
  const serve = (port = 0) =>
    new Promise<Server>((resolve) => {
      const made = createServer((request, response) => {
        const path = new URL(request.url!, 'http://x').pathname.slice(1) || 'index.html'
        asked.push(path)
        const ready = Promise.resolve(path === held?.path ? held.until : undefined)
        const content = ready.then(() => readFile(join(folder, path)))
        content.then(
          (content) =>
            response
              .writeHead(200, {
                'Content-Type': types[path.split('.').at(-1)!] ?? 'application/octet-stream',
                'Cache-Control': 'max-age=3600',
              })
              .end(content),
          () => response.writeHead(404).end(),
        )
      }).listen(port, '127.0.0.1', () => resolve(made))
    })
  const close = () =>
    new Promise((resolve) => {
      server.close(resolve)
      server.closeAllConnections()
    })
  beforeAll(async () => {
    buildSite()
    folder = join(await temporaryFolder('update'), 'site')
    await cp(join(appFolder, 'dist'), folder, { recursive: true })
    server = await serve()
    browser = await launchChromium(chromiumPath()!)
    context = await browser.newContext()
  })
  afterAll(async () => {
    await browser?.close()
    await close()
  })

  it('is seen at once, takes over what has not changed, and runs without a network', async () => {
    const { port } = server.address() as AddressInfo
    const url = `http://127.0.0.1:${port}/`
    const page = await context.newPage()
    await page.goto(url)
    const isKept = () => page.locator('#offline', { hasText: 'without a network' }).waitFor()
    await isKept()

    // a release of another script: its name changes, and the page that names it
    const script = (await readdir(join(folder, 'assets'))).find((f) => /^index-.*\.js$/.test(f))!
    const renamed = 'index-Renamed0.js'
    await cp(join(folder, 'assets', script), join(folder, 'assets', renamed))
    await rm(join(folder, 'assets', script))
    const html = join(folder, 'index.html')
    const text = (await readFile(html, 'utf8')).replace(script, renamed)
    await writeFile(html, text.replaceAll('What is not normal here?', 'What is new here?'))
    const [before, now] = [listed(join(appFolder, 'dist')), listed(folder)]
    const worker = join(folder, 'sw.js')
    const built = await readFile(worker, 'utf8')
    await writeFile(
      worker,
      built.replace(before.files, () => now.files).replace(before.version, now.version),
    )

    asked = []
    let release = () => {}
    held = { path: 'sw.js', until: new Promise<void>((resolve) => (release = resolve)) }
    await page.reload()
    expect(await page.locator('h1').innerText()).toBe('What is new here?')
    await settled(page, 7)
    // the service worker of the version before is not asked to keep that version
    await page.waitForTimeout(500)
    expect(await page.locator('#offline').innerText()).toBe('')
    release()
    await isKept()
    expect(await page.evaluate(() => caches.keys())).toEqual([`cflow-web ${now.version}`])
    // the large files are carried over, not loaded again
    expect(asked.filter((path) => /\.(gzipped|packed|safetensors|webp|wasm)$/.test(path))).toEqual(
      [],
    )
    expect(asked).toContain(`assets/${renamed}`)

    await close()
    await page.reload()
    expect(await page.locator('h1').innerText()).toBe('What is new here?')
    await settled(page, 7)
    server = await serve(port)
  })

  it('asks once for a file that it keeps while the page needs it', async () => {
    const { port } = server.address() as AddressInfo
    const page = await (await browser.newContext()).newPage()
    await page.goto(`http://127.0.0.1:${port}/`)
    await page.locator('#offline', { hasText: 'without a network' }).waitFor()
    const path = (await readdir(folder, { recursive: true })).find((f) => /\.safetensors$/.test(f))!
    asked = []
    let release = () => {}
    held = { path, until: new Promise<void>((resolve) => (release = resolve)) }
    const both = page.evaluate(async (file) => {
      for (const name of await caches.keys()) await (await caches.open(name)).delete(file)
      const channel = new MessageChannel()
      const kept = new Promise((resolve) => (channel.port1.onmessage = (e) => resolve(e.data)))
      navigator.serviceWorker.controller!.postMessage({ keep: 'all' }, [channel.port2])
      const sizeOf = async () => (await (await fetch(file, { cache: 'no-store' })).blob()).size
      return [await Promise.all([sizeOf(), sizeOf()]), await kept]
    }, path)
    await expect.poll(() => asked).toContain(path)
    await page.waitForTimeout(300)
    release()
    const { size } = await stat(join(folder, path))
    expect(await both).toEqual([[size, size], 'kept'])
    expect(asked.filter((p) => p === path)).toEqual([path])
    expect(await page.evaluate((file) => caches.match(file).then(Boolean), path)).toBe(true)
  })
})
