import { loadDetector } from '@cflow/detector'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { firefoxPath, openFirefox } from './firefox.ts'
import { exampleFile, exampleImageFiles } from './pictures.ts'
import { buildSite, serveSite, type Site } from './site.ts'
import { isolating } from '../vite.config.ts'

const path = firefoxPath()
if (!path)
  console.warn('web: no Firefox found, its tests are skipped; set FIREFOX_PATH to its program')

describe.skipIf(!path)('in Firefox', () => {
  let site: Site
  let page: Awaited<ReturnType<typeof openFirefox>>
  beforeAll(async () => {
    buildSite()
    site = await serveSite('/', isolating)
    page = await openFirefox(path!, site.url)
  })
  afterAll(async () => {
    await page?.close()
    await site?.close()
  })

  it('the example is judged as in Node', async () => {
    const score = Number(
      await page.until(`document.querySelector('#verdict-title')?.dataset.score`),
    )
    await page.until(`document.querySelectorAll('#gallery .mark').length === 7`)
    expect(await page.value(`document.querySelector('#summary').textContent`)).toContain(
      'found 5 of 5 defects, 0 false alarms',
    )
    const detector = await loadDetector(exampleFile)
    const node = await detector.detect(exampleImageFiles()[0]!)
    await detector.release()
    expect(Math.abs(score / node.score - 1)).toBeLessThan(1e-3)
  })

  it('a detector is trained', async () => {
    await page.value(`(() => {
      document.querySelector('#tab-train').click()
      document.querySelector('#kind-count').value = '10'
      document.querySelector('#passes').value = '1'
      document.querySelector('#generate').click()
    })()`)
    await page.until(`document.querySelector('#train-count').textContent === '10 images'`)
    await page.value(`document.querySelector('#train-start').click()`)
    await page.until(`!document.querySelector('#train-result').hidden`, 240)
    expect(await page.value(`document.querySelector('#train-summary').textContent`)).toContain(
      'learned from 10 images',
    )
    expect(await page.value(`document.querySelector('#messages').textContent`)).toBe('')
  })
})
