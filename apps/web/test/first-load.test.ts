import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { chromiumPath, launchChromium } from './chromium.ts'
import { shot } from './page.ts'
import { buildSite, serveSite, type Site } from './site.ts'
import { slowLine, type SlowLine } from './slow.ts'
import { isolating } from '../vite.config.ts'

const megabits = 10e6
const seconds = 4
const budget = 6e6

interface Clocked extends Window {
  firstVerdict?: number
}

/** By the page's own clock, from the moment it is gone to: when the frame with the first verdict is drawn. */
const clock = `new MutationObserver((_, observer) => {
  observer.disconnect()
  requestAnimationFrame(() => setTimeout(() => (window.firstVerdict = performance.now())))
}).observe(document, { subtree: true, attributes: true, attributeFilter: ['data-score'] })`

describe.skipIf(!chromiumPath())('the first visit', () => {
  let site: Site
  let browser: Browser
  beforeAll(async () => {
    buildSite()
    site = await serveSite('/', isolating)
    browser = await launchChromium(chromiumPath()!)
  })
  afterAll(async () => {
    await browser?.close()
    await site?.close()
  })
  /** What the page and its workers ask for, and what is done, in order, without the host. */
  const visited = async (line: SlowLine, prepare?: (page: Page) => Promise<void>) => {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 } })
    const page = await context.newPage()
    const asked: string[] = []
    context.on('request', (r) => asked.push(r.url().slice(line.url.length)))
    context.on('requestfinished', (r) => asked.push(`done ${r.url().slice(line.url.length)}`))
    await page.addInitScript({ content: clock })
    await prepare?.(page)
    await page.goto(line.url, { waitUntil: 'commit' })
    const verdict = async () => {
      const shown = await page.waitForFunction(() => (window as Clocked).firstVerdict)
      return { bytes: line.bytes, seconds: Number(await shown.jsonValue()) / 1000 }
    }
    return { page, asked, verdict, close: () => context.close() }
  }

  it('gives a verdict after at most 6 MB, which 10 Mbit/s carry in 4 s', async () => {
    const line = await slowLine(site.url, megabits)
    // the first process of a browser takes long to start, which is none of the page's
    await (await browser.newPage()).goto(`${site.url}site.webmanifest`)
    const { asked, verdict, close } = await visited(line)
    const { bytes, seconds: taken } = await verdict()
    console.log(`web: first verdict after ${(bytes / 1e6).toFixed(2)} MB, ${taken.toFixed(1)} s at 10 Mbit/s`) // prettier-ignore
    expect(bytes).toBeLessThanOrEqual(budget)
    // what the line alone takes, as other work on this machine does not count
    expect((8 * bytes) / megabits).toBeLessThan(seconds)
    // together, not one after the other: each is asked for before the other is there
    const at = (list: readonly string[], pattern: RegExp) => list.findIndex((l) => pattern.test(l))
    const [detector, engine] = [/cable-.*\.gzipped/, /\.packed$/]
    for (const [one, other] of [
      [detector, engine],
      [engine, detector],
    ] as const) {
      // prettier-ignore
      const began = at(asked, one)
      expect(began).toBeGreaterThanOrEqual(0)
      const over = asked.findIndex((l) => l.startsWith('done ') && other.test(l))
      expect(over === -1 || began < over).toBe(true)
    }
    await close()
    await line.close()
  })

  it('tells how far it is', async () => {
    const line = await slowLine(site.url, megabits)
    const { page, verdict, close } = await visited(line)
    const told = page.locator('#model-name', { hasText: /Loading .* \d+ %/ })
    await told.waitFor()
    const early = Number(/(\d+) %/.exec(await told.innerText())![1])
    await shot(page, 'loading')
    expect(early).toBeLessThan(100)
    await verdict()
    await close()
    await line.close()
  })

  it('fetches no WebGPU where there is no GPU, and nothing more where data are to be saved', async () => {
    const line = await slowLine(site.url)
    const { page, asked, verdict, close } = await visited(line, async (page) => {
      await page.addInitScript(() =>
        Object.defineProperty(navigator, 'connection', { value: { saveData: true } }),
      )
    })
    await verdict()
    await page.waitForFunction(() => document.querySelectorAll('#gallery .mark').length === 7)
    await page.waitForTimeout(1000)
    expect(asked.filter((url) => /asyncify|safetensors|(part|mesh)-.*gzipped/.test(url))).toEqual(
      [],
    )
    expect(line.bytes).toBeLessThanOrEqual(budget)
    await close()
    await line.close()
  })
})
