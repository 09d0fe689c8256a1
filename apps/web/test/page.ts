import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import axe from 'axe-core'
import type { Page } from 'playwright-core'
import type { InPage } from './in-page/calls.ts'
import { artefacts } from './site.ts'

/** Keep a picture of the page as an artefact. */
export async function shot(page: Page, name: string): Promise<void> {
  mkdirSync(artefacts, { recursive: true })
  await page.screenshot({ path: join(artefacts, `${name}.png`), fullPage: true })
}

/** Wait until every image has a verdict. */
export async function settled(page: Page, images: number): Promise<void> {
  await page.waitForFunction(
    (n) =>
      document.querySelectorAll('#gallery .mark').length === n &&
      document.querySelector<HTMLElement>('#verdict-title')?.dataset['score'] !== undefined,
    images,
    { timeout: 120_000 },
  )
}

interface DeviceKept {
  readonly GPUAdapter: { readonly prototype: { requestDevice(...a: unknown[]): Promise<unknown> } }
  device?: { destroy(): void }
}

/** Keep the GPU device that a worker of the page takes, so that it can be lost. */
export function keepDevices(page: Page): void {
  page.on('worker', (worker) => {
    const hook = () => {
      const scope = globalThis as unknown as DeviceKept
      const { prototype } = scope.GPUAdapter
      const { requestDevice } = prototype
      prototype.requestDevice = async function (...args) {
        const device = await requestDevice.apply(this, args)
        scope.device = device as { destroy(): void }
        return device
      }
    }
    // a worker may be over before
    worker.evaluate(hook).catch(() => undefined)
  })
}

/** Lose the GPU. Threads of onnxruntime-web are not asked: they never answer. */
export async function loseDevices(page: Page): Promise<void> {
  const workers = page.workers().filter((w) => w.url().includes('detect'))
  await Promise.allSettled(
    workers.map((w) => w.evaluate(() => (globalThis as unknown as DeviceKept).device?.destroy())),
  )
}

/** The score of the image that is shown, in full. */
export const shownScore = async (page: Page): Promise<number> =>
  Number(await page.locator('#verdict-title').getAttribute('data-score'))

/** What axe-core finds wrong with the page as it is. */
export async function accessibilityFaults(page: Page): Promise<string[]> {
  // as an expression, which the page's content security policy does not concern
  await page.evaluate(axe.source)
  const { violations } = await page.evaluate(() =>
    (globalThis as unknown as { axe: typeof axe }).axe.run(),
  )
  return violations.flatMap((v) =>
    v.nodes.map((n) => `${v.id}: ${String(n.target)}: ${n.failureSummary}`),
  )
}

/** A function that calls what a page offers. */
export const callerOf =
  (page: () => Page) =>
  <K extends keyof InPage>(what: K, ...args: Parameters<InPage[K]>) =>
    page().evaluate(
      ([w, a]) =>
        (globalThis as unknown as { inPage: Record<string, (...a: unknown[]) => unknown> }).inPage[
          w
        ]!(...a),
      [what, args] as const,
    ) as ReturnType<InPage[K]>
