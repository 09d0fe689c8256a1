import { spawn, type ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import { temporaryFolder } from '@cflow/base/testing'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { chromiumPath, launchChromium } from './chromium.ts'
import { needing } from './large.ts'
import { shot } from './page.ts'
import { appFolder, buildSite } from './site.ts'

const token = 'cflow_secret-of-the-third-line-of-presses'
const bearer = { authorization: `Bearer ${token}` }
const workspace = join(appFolder, '../..')

describe.skipIf(!chromiumPath())('the page of a server', () => {
  let server: ChildProcess
  let browser: Browser
  let page: Page
  let url: string
  beforeAll(async () => {
    buildSite()
    const data = await temporaryFolder('page-server')
    const flags = [
      '--admin-token',
      token,
      '--port',
      '0',
      '--data',
      data,
      '--no-example',
      '--web',
      join(appFolder, 'dist'),
    ]
    server = spawn(
      process.execPath,
      ['--conditions=@cflow/source', '--import', 'tsx', 'apps/cli/src/main.ts', 'serve', ...flags],
      { cwd: workspace, stdio: ['ignore', 'pipe', 'pipe'] },
    )
    url = await new Promise((resolve, reject) => {
      let text = ''
      const read = (chunk: Buffer) => {
        text += String(chunk)
        const found = /http:\/\/127\.0\.0\.1:\d+/.exec(text)
        if (found) resolve(found[0])
      }
      server.stdout!.on('data', read)
      server.stderr!.on('data', read)
      server.on('exit', () => reject(new Error(`the server ended: ${text}`)))
    })
    const added = await fetch(`${url}/v1/detectors/press/versions`, {
      method: 'POST',
      headers: { 'content-type': 'application/octet-stream', ...bearer },
      body: needing(1e6) as Uint8Array<ArrayBuffer>,
    })
    expect(added.status).toBe(201)
    browser = await launchChromium(chromiumPath()!)
    page = await (await browser.newContext({ serviceWorkers: 'block' })).newPage()
    await page.goto(url)
  })
  afterAll(async () => {
    await browser?.close()
    if (!server) return
    const ended = new Promise((resolve) => server.once('exit', resolve))
    server.kill()
    await ended
  })

  it('asks for the token that the server needs, once, and says when it is wrong', async () => {
    await page.locator('#messages').getByText('The server needs a token').waitFor()
    await page.locator('#tab-train').click()
    const give = async (text: string) => {
      await page.getByLabel('Token of the server').fill(text)
      await page.getByLabel('Token of the server').press('Enter')
    }
    await give('cflow_another')
    await page.locator('#messages').getByText('The server refused the token').waitFor()
    await shot(page, 'token')
    await give(token)
    await page.locator('#token').waitFor({ state: 'hidden' })
    await page.locator('#detectors option', { hasText: 'press (server)' }).waitFor({ state: 'attached' }) // prettier-ignore
    await page.reload()
    await page.locator('#detectors option', { hasText: 'press (server)' }).waitFor({ state: 'attached' }) // prettier-ignore
    expect(await page.locator('#token').isVisible()).toBe(false)
    await page.locator('#tab-detect').click()
  })

  it('lists the server’s detectors, and runs them', async () => {
    const list = page.locator('#detectors')
    await list.locator('option', { hasText: 'press (server)' }).waitFor({ state: 'attached' })
    await list.selectOption({ label: 'press (server)' })
    await page.locator('#model-name', { hasText: 'press (server)' }).waitFor()
    expect(await page.locator('#model-forget').isVisible()).toBe(false)
  })

  it('has the server train on the images of the page, and lists the job', async () => {
    await page.locator('#tab-train').click()
    await page.locator('#kind-count').fill('10')
    await page.locator('#generate').click()
    await page.locator('#train-count', { hasText: /^10 images$/ }).waitFor()
    await page.locator('#train-name').fill('My cloth!')
    await page.locator('#passes').fill('1')
    await page.locator('#server-train').click()
    await page.locator('#server-said', { hasText: 'The server learns “my-cloth”.' }).waitFor()
    await page
      .locator('#server-jobs li', { hasText: /train my-cloth: (queued|running|succeeded)/ })
      .waitFor()
    await shot(page, 'server')
    const { datasets } = (await (
      await fetch(`${url}/v1/datasets`, { headers: bearer })
    ).json()) as {
      datasets: { files: number }[]
    }
    expect(datasets.map((d) => d.files)).toEqual([10])
  })
})
