import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { browse, type Browsing } from './browsing.ts'
import { chromiumPath } from './chromium.ts'
import { accessibilityFaults, shot } from './page.ts'
import { photographFiles } from './pictures.ts'

interface Noted {
  notes: { readonly note: string; readonly said: string[]; readonly painted: number[] }[]
  live: string[]
}

/** Note what the page shows of every pass, and what it tells those who do not see it. */
const noting = () => {
  const notes: Noted['notes'] = []
  const live: string[] = []
  Object.assign(globalThis, { notes, live })
  const { document } = globalThis
  const watch = (selector: string, seen: () => void) => {
    const options = { childList: true, characterData: true, subtree: true }
    new MutationObserver(seen).observe(document.querySelector(selector)!, options)
  }
  watch('#train-live', () => live.push(document.querySelector('#train-live')!.textContent))
  const list = '#train-seen-maps'
  watch('#train-seen', () => {
    const note = document.querySelector('#train-seen-note')!.textContent
    if (note === notes.at(-1)?.note) return
    const canvases = [...document.querySelectorAll<HTMLCanvasElement>(`${list} canvas`)]
    const painted = canvases.map((canvas) => {
      const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height)
      return data.filter((v, i) => i % 4 === 3 && v > 0).length / (data.length / 4)
    })
    const said = [...document.querySelectorAll(`${list} .small`)].map((e) => e.textContent)
    if (canvases.length > 0) notes.push({ note, said, painted })
  })
}

describe.skipIf(!chromiumPath())('heat maps while it learns', () => {
  let browsing: Browsing
  let page: Page
  const card = () => page.locator('#train-seen')

  beforeAll(async () => {
    browsing = await browse()
    page = await browsing.context.newPage()
    await page.goto(`${browsing.site.url}?tab=train`)
    // one that cannot be read: the pictures are those of the maps all the same
    const photos = await photographFiles(11, 0)
    await page.locator('#train-pick [data-pick=files]').setInputFiles(photos)
    await page.locator('#train-count', { hasText: /^11 images$/ }).waitFor()
    await page.locator('#passes').fill('2')
    await page.evaluate(noting)
  })
  afterAll(() => browsing?.close())

  it('are there before the first pass, over the photographs that they are of', async () => {
    expect(await card().isVisible()).toBe(false)
    await page.locator('#train-start').click()
    await card().waitFor({ timeout: 280_000 })
    await page.locator('#train-stop').click()
    const names = await card().locator('.name').allInnerTexts()
    expect(names).toEqual(['part 2.jpg', 'part 4.jpg', 'part 7.jpg', 'part 9.jpg'])
    const alts = await card()
      .locator('img')
      .evaluateAll((images) => images.map((i) => (i as HTMLImageElement).alt))
    alts.forEach((alt, i) => expect(alt).toMatch(new RegExp(`^${names[i]} with its heat map, (before|after).* pass.*: .*stands out$`))) // prettier-ignore
    const [photo, map] = await Promise.all([
      card().locator('img').first().boundingBox(),
      card().locator('canvas').first().boundingBox(),
    ])
    expect(map).toEqual(photo)
  })

  it('are seen on a phone too, in light and dark', async () => {
    for (const [name, width, height] of [
      ['wide', 1280, 900],
      ['phone', 390, 844],
    ] as const)
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.setViewportSize({ width, height })
        await page.emulateMedia({ colorScheme })
        expect(await accessibilityFaults(page)).toEqual([])
        const over = await page.evaluate(
          () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
        )
        expect(over).toBe(0)
        await shot(page, `learning-${name}-${colorScheme}`)
      }
    await page.setViewportSize({ width: 1280, height: 900 })
  })

  it('come after every pass, and give way to the finished detector', async () => {
    await page.locator('#train-continue').click()
    await page.locator('#train-result').waitFor({ timeout: 280_000 })
    expect(await card().isVisible()).toBe(false)
    const { notes, live } = await page.evaluate(() => {
      const { notes, live } = globalThis as unknown as Noted
      return { notes, live }
    })
    expect(notes.length).toBeGreaterThan(1)
    notes.forEach(({ note, said, painted }, pass) => {
      expect(note).toMatch(pass === 0 ? /^Before the first pass: / : new RegExp(`^After pass ${pass} of ${notes.length - 1}: `)) // prettier-ignore
      expect(note).toContain('4 good images that it learns from')
      expect(said).toHaveLength(4)
      for (const share of painted) expect(share).toBeLessThan(1)
    })
    const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0)
    expect(sum(notes[0]!.painted)).toBeGreaterThan(0)
    // what is learned from becomes usual, and the colours are those of the start
    expect(sum(notes.at(-1)!.painted)).toBeLessThan(sum(notes[0]!.painted))
    // those who hear the page are not told of every pass
    expect(live.join()).not.toMatch(/stands out|good images that/)
  })
})
