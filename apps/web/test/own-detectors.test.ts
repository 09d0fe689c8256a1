import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { browse, type Browsing } from './browsing.ts'
import { chromiumPath } from './chromium.ts'
import { settled, shot, shownScore } from './page.ts'
import { photograph, photographFiles, plain } from './pictures.ts'

const exampleCount = 7

/** Note the wake locks that the page takes, and let tests hide the tab. */
const watched = () => {
  const locks: string[] = []
  const lock = { release: async () => void locks.push('released') }
  const request = async () => {
    locks.push('taken')
    return lock
  }
  Object.defineProperty(navigator, 'wakeLock', { value: { request } })
  let isHidden = false
  Object.defineProperty(document, 'visibilityState', {
    get: () => (isHidden ? 'hidden' : 'visible'),
  })
  const hide = (hidden: boolean) => {
    isHidden = hidden
    document.dispatchEvent(new Event('visibilitychange'))
  }
  Object.assign(globalThis, { locks, hide })
}
type Watched = { locks: string[]; hide(hidden: boolean): void }

describe.skipIf(!chromiumPath())('a detector of one’s own', () => {
  let browsing: Browsing
  let page: Page
  const plainTitle = 'CFLOW-AD in the browser'
  const summary = () => page.locator('#summary')
  beforeAll(async () => {
    browsing = await browse()
    page = await browsing.context.newPage()
    await page.addInitScript(watched)
    await page.goto(browsing.site.url)
    await settled(page, exampleCount)
    await page.locator('#tab-train').click()
  })
  afterAll(() => browsing?.close())

  const hide = (hidden: boolean) =>
    page.evaluate((h) => (globalThis as unknown as Watched).hide(h), hidden)

  it('takes photographs that have names, and that can be removed one by one', async () => {
    const photos = await photographFiles(13, 4)
    await page.locator('#train-pick [data-pick=files]').setInputFiles(photos)
    await page.locator('#train-count', { hasText: /^13 images$/ }).waitFor()
    const names = page.locator('#train-gallery .name')
    expect((await names.allInnerTexts())[12]).toBe('part 13.jpg')
    await page.getByRole('button', { name: 'Remove part 13.jpg' }).click()
    expect(await names.allInnerTexts()).not.toContain('part 13.jpg')
    expect(await page.locator('#train-count').innerText()).toBe('12 images')
    // made images do not push a person's out unasked
    await page.locator('#generate').click()
    await page.locator('#ask', { hasText: 'Remove your 12 images?' }).waitFor()
    await shot(page, 'ask')
    await page.locator('#ask-no').click()
    expect(await page.locator('#train-count').innerText()).toBe('12 images')
  })

  it('is trained without the photograph that cannot be read, which is named', async () => {
    await page.locator('#train-name').fill('bolts')
    await page.locator('#passes').fill('1')
    await page.locator('#train-start').click()
    await page.locator('#messages').getByText('part 5.jpg is damaged or cut off').waitFor()
    await page
      .locator('#train-gallery li', { hasText: 'part 5.jpg' })
      .getByText('left out')
      .waitFor()
    await shot(page, 'left-out')
  })

  it('is not left by accident while it is trained, and the machine stays awake', async () => {
    expect(await page.evaluate(() => (globalThis as unknown as Watched).locks)).toEqual(['taken'])
    await page.waitForFunction(() => /^\d+ % – /.test(document.title))
    const asked = page.waitForEvent('dialog')
    const leaving = page.evaluate(() => location.reload()).catch(() => undefined)
    const dialog = await asked
    expect(dialog.type()).toBe('beforeunload')
    await dialog.dismiss()
    await leaving
    expect(await page.locator('#train-stop').isVisible()).toBe(true)
  })

  it('goes on after the page is loaded again, with its photographs, on the tab where it was', async () => {
    page.once('dialog', (dialog) => void dialog.accept())
    await page.reload()
    await page.locator('#messages').getByText('The training goes on').waitFor()
    expect(await page.locator('#train-count').innerText()).toBe('12 images')
    expect(await page.locator('#train-gallery .name').first().innerText()).toBe('part 1.jpg')
    expect(await page.locator('#train-name').inputValue()).toBe('bolts')
    expect(await page.locator('#passes').inputValue()).toBe('1')
    await page.waitForFunction(() => /^\d+ % – /.test(document.title))
    await shot(page, 'taken-up')
    // another page does not take it up too
    const other = await browsing.context.newPage()
    await other.goto(`${browsing.site.url}?tab=train`)
    await settled(other, exampleCount)
    expect(await other.locator('#train-gallery li').count()).toBe(0)
    await other.close()
  })

  it('is finished with what was learned, when one has waited long enough', async () => {
    await page.locator('#train-stop').click()
    expect(await page.locator('#train-continue').isVisible()).toBe(true)
    expect(await page.locator('#train-discard').isVisible()).toBe(true)
    await shot(page, 'stopped')
    await page.locator('#train-finish').click()
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('train-stop')
  })

  it('tells its end in the title while another tab is looked at', async () => {
    await hide(true)
    await page.locator('#train-result').waitFor({ timeout: 240_000 })
    expect(await page.title()).toBe(`✓ Trained: bolts – ${plainTitle}`)
    expect(await page.locator('#train-summary').innerText()).toContain('learned from 11 images')
    await hide(false)
    expect(await page.title()).toBe(plainTitle)
    const { locks } = await page.evaluate(() => ({
      locks: (globalThis as unknown as Watched).locks,
    }))
    expect(locks.at(-1)).toBe('released')
  })

  it('is used without the pictures of the example and their summary', async () => {
    await page.locator('#train-use').click()
    await page.locator('#model-name', { hasText: 'bolts' }).waitFor()
    expect(await page.locator('#gallery .tile').count()).toBe(0)
    expect(await summary().innerText()).toBe('')
    await shot(page, 'own-detector-empty')
    await page
      .locator('#detect-pick [data-pick=files]')
      .setInputFiles({ name: 'new.jpg', mimeType: 'image/jpeg', buffer: await photograph(40) })
    await settled(page, 1)
    expect(await summary().innerText()).toMatch(/^1 image, \d anomalous$/)
    expect(await page.locator('#verdict-text').innerText()).toMatch(
      /of the \d+ good images that set the threshold/,
    )
    // of the eleven, those that were judged until it was finished
    const judged = /of the (\d+) good/.exec(await page.locator('#verdict-text').innerText())![1]
    expect(Number(judged)).toBeLessThan(11)
    await shot(page, 'own-detector')
  })

  it('learns an image that is said to be fine: a new detector, which lets it pass', async () => {
    const threshold = async () =>
      Number(/Threshold ([\d.]*\d)/.exec(await page.locator('#rate-note').innerText())![1])
    await page
      .locator('#detect-pick [data-pick=files]')
      .setInputFiles({ name: 'odd.png', mimeType: 'image/png', buffer: await plain(300, 300) })
    await settled(page, 2)
    const title = page.locator('#verdict-title')
    expect(await title.innerText()).toContain('Anomalous')
    const [score, before] = [await shownScore(page), await threshold()]
    await page.locator('#mark-fine').click()
    await page.locator('#teach', { hasText: 'Learn 1 image as good' }).click()
    await page.locator('#messages').getByText('Learned 1 image as good').waitFor()
    await page.locator('#model-name', { hasText: 'bolts, and 1 image more' }).waitFor()
    await settled(page, 2)
    expect(await page.locator('#picture-caption').innerText()).toContain('odd.png')
    expect(await title.innerText()).toContain('Like the good ones')
    // by what it has learned, and not by a threshold that was placed
    expect(await shownScore(page)).toBeLessThan(score)
    expect(await threshold()).toBeGreaterThanOrEqual(before)
    expect(await page.locator('#rate-note').innerText()).not.toContain('placed')
    // it is learned: nothing is offered to be learned once more
    expect(await page.locator('#mark-fine').getAttribute('aria-pressed')).toBe('false')
    expect(await page.locator('#teach').isVisible()).toBe(false)
    expect(await page.locator('#gallery .said').count()).toBe(0)
    await shot(page, 'taught')
    // the detector from before is there, and judges as it did
    await page.locator('#detectors').selectOption({ index: 3 })
    await page.locator('#model-name', { hasText: /^bolts(?!, and)/ }).waitFor()
    await settled(page, 2)
    expect(await shownScore(page)).toBeCloseTo(score, 4)
    expect(await threshold()).toBe(before)
    await page.locator('#detectors').selectOption({ index: 4 })
    await page.locator('#model-name', { hasText: 'bolts, and 1 image more' }).waitFor()
    await page.locator('#model-forget').click()
    await page.locator('#ask-yes').click()
    await page.locator('#model-name', { hasText: 'Example: cables' }).waitFor()
  })

  it('is there after the page is loaded again, until it is removed', async () => {
    await page.reload()
    await settled(page, exampleCount)
    const list = page.locator('#detectors')
    expect(await list.locator('option').allInnerTexts()).toEqual([
      'Example: cables',
      'Example: steel brackets',
      'Example: woven cloth',
      expect.stringMatching(/^bolts, /) as string,
    ])
    await list.selectOption({ index: 3 })
    await page.locator('#model-name', { hasText: 'bolts' }).waitFor()
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.locator('#model-download').click(),
    ])
    expect(download.suggestedFilename()).toBe('model.onnx')
    await page.locator('#model-forget').click()
    await page.locator('#ask-yes').click()
    await page.locator('#model-name', { hasText: 'Example: cables' }).waitFor()
    await page.reload()
    await settled(page, exampleCount)
    expect(await list.locator('option').count()).toBe(3)
  })
})
