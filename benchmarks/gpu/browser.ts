/** What a browser's devices do, beside WASM on the same page. */
import { readFileSync } from 'node:fs'
import { platform } from 'node:os'
import { join } from 'node:path'
import { chromiumPath, launchWith } from '../../apps/web/test/chromium.js'
import type { InPage } from '../../apps/web/test/in-page/calls.js'
import { callerOf } from '../../apps/web/test/page.js'
import { messageOf } from '../../packages/base/src/index.js'
import { contract } from '../../packages/runtimes/src/contract.js'

interface Asked {
  /** Serves a page. */
  readonly serve: (page: 'in-page' | 'in-page-tfjs') => Promise<{ url: string; close(): Promise<void> }> // prettier-ignore
  readonly detector: Uint8Array
  readonly images: number
  readonly milliseconds: number
}

const pages = [
  ['in-page', ['wasm', 'webgpu']],
  ['in-page-tfjs', ['webgl', 'webgpu']],
] as const

/** Without these a Chromium without a screen offers its software adapter on Linux, also where there is a GPU. */
const vulkan = [
  '--enable-features=Vulkan,VulkanFromANGLE,DefaultANGLEVulkan',
  ...['--use-angle=vulkan', '--use-vulkan=native', '--disable-vulkan-surface'],
]

/** A page that hangs is left. */
const limit = 90_000

export async function inBrowser({ serve, detector, images, milliseconds }: Asked) {
  const path = chromiumPath()
  if (path === undefined) return { available: false, reason: 'no Chromium; set CHROMIUM_PATH to its program' } // prettier-ignore
  const bytes = Buffer.from(detector).toString('base64')
  const browser = await launchWith(path, ['--ignore-gpu-blocklist', ...(platform() === 'linux' ? vulkan : [])]) // prettier-ignore
  const found: Record<string, unknown> = { available: true, chromium: browser.version() }
  const measured: Record<string, Record<string, unknown>> = {}
  found['devices'] = measured
  try {
    for (const [folder, devices] of pages) {
      const site = await serve(folder)
      for (const device of devices) {
        const page = await browser.newPage()
        await page.goto(site.url)
        const ask = callerOf(() => page)
        const call = <K extends keyof InPage>(what: K, ...a: Parameters<InPage[K]>) => {
          const late = new Promise<never>((_, no) => setTimeout(() => no(new Error(`no answer in ${limit / 1000} s`)), limit).unref()) // prettier-ignore
          return Promise.race([late, ask(what, ...a)]) as ReturnType<InPage[K]>
        }
        if (device === 'webgpu' || found['adapter'] === undefined)
          found['adapter'] = (await call('adapter').catch(messageOf)) ?? 'none'
        if (device === 'webgpu' && typeof found['adapter'] === 'string') continue
        const of: Record<string, unknown> = {}
        measured[`${folder === 'in-page' ? 'onnxruntime-web' : 'tfjs'}:${device}`] = of
        const step = async (name: string, work: () => Promise<unknown>) => {
          console.error(`browser ${folder} ${device} ${name}`)
          of[name] = await work().catch((error: unknown) => ({ failed: messageOf(error) }))
        }
        await step('contract', async () => {
          const failed: Record<string, string> = {}
          for (const { name } of contract)
            await call('contract', device, name).catch((error: unknown) => (failed[name] = messageOf(error))) // prettier-ignore
          return { tests: contract.length, failed }
        })
        await step('losses', () => call('losses', device))
        for (const batchSize of [1, 8])
          await step(`batch of ${batchSize}`, () => call('detecting', device, bytes, batchSize, milliseconds)) // prettier-ignore
        await step('training', () => call('training', device, images))
        await page.close()
      }
      await site.close()
    }
    return found
  } finally {
    await browser.close()
  }
}

export const detectorIn = (folder: string) => readFileSync(join(folder, 'float32.onnx'))
