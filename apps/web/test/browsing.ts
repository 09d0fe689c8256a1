import type { Browser, BrowserContext, Page } from 'playwright-core'
import { chromiumPath, launchChromium } from './chromium.ts'
import { buildSite, serveSite, type Site } from './site.ts'
import { isolating } from '../vite.config.ts'

/** A browser before the built site. */
export interface Browsing {
  readonly site: Site
  readonly context: BrowserContext
  close(): Promise<void>
}

export async function browse(viewport = { width: 1280, height: 900 }): Promise<Browsing> {
  buildSite()
  const site = await serveSite('/', isolating)
  const browser: Browser = await launchChromium(chromiumPath()!)
  const context = await browser.newContext({ viewport, serviceWorkers: 'block' })
  return {
    ...{ site, context },
    async close() {
      await browser.close()
      await site.close()
    },
  }
}

/** Hold back what an address ends in. @returns a function that lets it through */
export async function holdBack(page: Page, pattern: RegExp): Promise<() => void> {
  let release: () => void
  const released = new Promise<void>((resolve) => (release = resolve))
  await page.route(pattern, async (route) => {
    await released
    await route.continue().catch(() => undefined)
  })
  return () => release()
}

/** Drop files on an element, all at once. */
export async function dropFiles(
  page: Page,
  selector: string,
  files: readonly { readonly name: string; readonly type: string; readonly bytes: Uint8Array }[],
): Promise<void> {
  const data = files.map((f) => ({ ...f, bytes: Buffer.from(f.bytes).toString('base64') }))
  await page.locator(selector).evaluate((target, given) => {
    const transfer = new DataTransfer()
    for (const { name, type, bytes } of given)
      transfer.items.add(
        new File([Uint8Array.from(atob(bytes), (c) => c.charCodeAt(0))], name, { type }),
      )
    for (const kind of ['dragover', 'drop'])
      target.dispatchEvent(
        new DragEvent(kind, { bubbles: true, cancelable: true, dataTransfer: transfer }),
      )
  }, data)
}
