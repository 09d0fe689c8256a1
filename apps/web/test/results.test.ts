import { readFile } from 'node:fs/promises'
import { unzipSync } from 'fflate'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { browse, type Browsing } from './browsing.ts'
import { chromiumPath } from './chromium.ts'
import { needing } from './large.ts'
import { accessibilityFaults, settled, shot, shownScore } from './page.ts'
import { photograph } from './pictures.ts'

const exampleCount = 7

describe.skipIf(!chromiumPath())('results', () => {
  let browsing: Browsing
  let page: Page
  const names = () => page.locator('#gallery .tile .name').allInnerTexts()
  const scores = async () =>
    (await page.locator('#gallery .mark').allInnerTexts()).map((t) => Number(/[\d.]+$/.exec(t)![0]))
  const said = () => page.locator('#said').textContent()
  const saved = async (selector: string) => {
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.locator(selector).click(),
    ])
    return readFile(await download.path())
  }
  beforeAll(async () => {
    browsing = await browse()
    page = await browsing.context.newPage()
    await page.goto(browsing.site.url)
    await settled(page, exampleCount)
  })
  afterAll(() => browsing?.close())

  it('are sorted and filtered', async () => {
    const given = await names()
    await page.locator('#sort').selectOption('highest')
    const high = await scores()
    expect(high).toEqual([...high].sort((a, b) => b - a))
    await page.locator('#filter').selectOption('good')
    expect(await names()).toEqual(['good', 'good'])
    expect(await page.locator('#summary').innerText()).toContain('(5 not shown)')
    await page.locator('#filter').selectOption('all')
    await page.locator('#sort').selectOption('given')
    expect(await names()).toEqual(given)
  })

  it('are gone through by the keyboard, one tab stop for all, and said once', async () => {
    expect(await said()).toContain('All are judged: 7 images')
    const stops = () =>
      page
        .locator('#gallery button')
        .evaluateAll((all) => all.filter((b) => (b as HTMLElement).tabIndex === 0).length)
    expect(await stops()).toBe(1)
    await page.locator('#gallery .tile').first().focus()
    await page.keyboard.press('ArrowRight')
    expect(await page.locator('#picture-caption').innerText()).toBe('good')
    expect(await said()).toMatch(/^good: like the good ones, score [\d.]+$/)
    await page.keyboard.press('End')
    expect(await page.locator('#picture-caption').innerText()).toBe('wrong wire')
    await page.keyboard.press('Delete')
    expect(await names()).not.toContain('wrong wire')
    const focused = () => page.evaluate(() => document.activeElement?.className)
    expect(await focused()).toBe('tile')
    expect(await stops()).toBe(1)
  })

  it('tell the score under the pointer, are zoomed, and compared with the photograph', async () => {
    await page.locator('#gallery .tile').first().click()
    await page.locator('#picture-heat').waitFor()
    const box = (await page.locator('#picture').boundingBox())!
    const [x, y] = [box.x + 0.3 * box.width, box.y + 0.6 * box.height]
    await page.mouse.move(x, y)
    expect(await page.locator('#picture-probe').innerText()).toMatch(/^Here [\d.]+, above/)
    await page.mouse.dblclick(x, y)
    const scale = () =>
      page.locator('#picture-stage').evaluate((s) => s.getBoundingClientRect().width)
    expect(await scale()).toBeGreaterThan(2.5 * box.width)
    await page.mouse.down()
    await page.mouse.move(x + 50, y + 30)
    await page.mouse.up()
    await shot(page, 'zoomed')
    await page.locator('#picture').press('0')
    expect(Math.abs((await scale()) - box.width)).toBeLessThan(2)
    const opacity = () => page.locator('#picture-heat').evaluate((c) => c.style.opacity)
    const button = (await page.locator('#picture-compare').boundingBox())!
    await page.mouse.move(button.x + 5, button.y + 5)
    await page.mouse.down()
    expect(await opacity()).toBe('0')
    await page.mouse.up()
    expect(await opacity()).toBe('0.65')
  })

  it('show one scale’s heat map alone, where it is asked for', async () => {
    await page.locator('#gallery .tile').first().click()
    const heat = () =>
      page
        .locator('#picture-heat:not([hidden])')
        .evaluate((c) => (c as HTMLCanvasElement).toDataURL())
    const whole = await heat()
    const scale = page.getByLabel('Heat map of')
    const options = await scale.locator('option').allInnerTexts()
    const bars = await page.locator('#contributions li span:first-child').allInnerTexts()
    const plain = (text: string) => text.replaceAll('\u00a0', ' ')
    expect(options.map(plain)).toEqual(['All scales', ...bars.map(plain)])
    expect(bars.length).toBeGreaterThan(1)
    const seen = new Set([whole])
    for (const [k, name] of bars.entries()) {
      await scale.selectOption(String(k))
      const alt = page.locator('#picture-image[alt*="one scale"]')
      await expect.poll(async () => plain((await alt.getAttribute('alt'))!)).toContain(plain(name))
      seen.add(await heat())
      const box = (await page.locator('#picture').boundingBox())!
      await page.mouse.move(box.x + 0.4 * box.width, box.y + 0.6 * box.height)
      expect(await page.locator('#picture-probe').innerText()).toContain('at this scale')
    }
    expect(seen.size).toBe(bars.length + 1)
    await shot(page, 'one-scale')
    // by the keyboard, and of the next image too
    await page.locator('#gallery .tile').nth(1).click()
    await page.locator('#picture-image[alt*="one scale"]').waitFor()
    await scale.focus()
    await page.keyboard.press('Home')
    await page.locator('#picture-image:not([alt*="one scale"])').waitFor()
    await page.locator('#gallery .tile').first().click()
    await expect.poll(heat).toBe(whole)
  })

  it('leave out regions that do not count: drawn, by the keyboard, exported, removed', async () => {
    await page.locator('#gallery .tile', { hasText: 'poke' }).click()
    const title = page.locator('#verdict-title')
    await expect.poll(() => title.innerText()).toContain('Anomalous')
    await page.locator('#picture-heat:not([hidden])').waitFor()
    const before = { scores: await scores(), score: await shownScore(page) }
    // the white line is around all that is above the threshold
    const [left, top, right, bottom] = await page.locator('#picture-heat').evaluate((node) => {
      const { width, height } = node as HTMLCanvasElement
      const { data } = (node as HTMLCanvasElement)
        .getContext('2d')!
        .getImageData(0, 0, width, height)
      const box = [1, 1, 0, 0] as [number, number, number, number]
      for (let i = 0; i < width * height; i++) {
        if (data.slice(4 * i, 4 * i + 4).some((v) => v !== 255)) continue
        const [x, y] = [(i % width) / width, Math.floor(i / width) / height]
        box[0] = Math.min(box[0], x - 0.01)
        box[1] = Math.min(box[1], y - 0.01)
        box[2] = Math.max(box[2], x + 0.02)
        box[3] = Math.max(box[3], y + 0.02)
      }
      return box
    })
    const toggle = page.getByRole('button', { name: 'Regions that do not count' })
    await toggle.click()
    await page.locator('#picture').scrollIntoViewIfNeeded()
    const box = (await page.locator('#regions').boundingBox())!
    const at = (x: number, y: number) => [box.x + x * box.width, box.y + y * box.height] as const
    await page.mouse.move(...at(Math.max(0, left), Math.max(0, top)))
    await page.mouse.down()
    await page.mouse.move(...at(right, bottom), { steps: 4 })
    await page.mouse.up()
    await expect.poll(() => title.innerText()).toContain('Like the good ones')
    expect(await shownScore(page)).toBeLessThan(before.score)
    expect(await page.locator('#regions-note').innerText()).toMatch(
      /^1 region .* can only be lower/,
    )
    await shot(page, 'regions')
    expect(await accessibilityFaults(page)).toEqual([])
    // of every image, and never higher
    await expect.poll(scores).not.toEqual(before.scores)
    for (const [i, score] of (await scores()).entries())
      expect(score).toBeLessThanOrEqual(before.scores[i]!)
    const csv = (await saved('#export-csv')).toString('utf8').split('\r\n')
    expect(csv[0]).toMatch(/,whole_score,regions_left_out$/)
    const { images } = JSON.parse((await saved('#export-json')).toString('utf8')) as {
      images: { score: number; wholeScore: number; regionsLeftOut: { x: number }[] }[]
    }
    for (const { score, wholeScore, regionsLeftOut } of images) {
      expect(score).toBeLessThanOrEqual(wholeScore)
      expect(regionsLeftOut).toHaveLength(1)
    }
    expect(Math.abs(images[0]!.regionsLeftOut[0]!.x - Math.max(0, left))).toBeLessThan(0.01)

    await page.getByRole('button', { name: 'Add a region' }).click()
    const second = page.locator('#regions .region').nth(1)
    const style = () => second.evaluate(({ style }) => [style.left, style.width].map(parseFloat))
    await page.keyboard.press('ArrowLeft')
    await page.keyboard.press('Shift+ArrowRight')
    expect(await style()).toEqual([38, 22])
    await page.keyboard.press('Delete')
    await page.getByRole('button', { name: 'Region 1, remove' }).click()
    await toggle.click()
    await expect.poll(() => title.innerText()).toContain('Anomalous')
    expect(await shownScore(page)).toBe(before.score)
    await expect.poll(scores).toEqual(before.scores)
  })

  it('leave out the regions of their detector also after a reload, until these are removed', async () => {
    const page = await browsing.context.newPage()
    onTestFinished(() => page.close())
    /** Until the browser has kept so many of the regions that the page shows, as they are. */
    const kept = (widths: readonly number[]) =>
      expect
        .poll(() =>
          page.evaluate(
            () =>
              new Promise<number[]>((resolve) => {
                const opening = indexedDB.open('cflow-regions')
                opening.onsuccess = () => {
                  const { result } = opening
                  const asked = result.transaction('regions').objectStore('regions').getAll()
                  asked.onsuccess = () => {
                    result.close()
                    const all = asked.result as { width: number }[][]
                    resolve(all.flat().map((r) => Math.round(100 * r.width)))
                  }
                }
              }),
          ),
        )
        .toEqual(widths)
    const judged = () => page.locator('#verdict-title[data-score]').waitFor()
    const open = async (name: string) => {
      await page.locator('#detectors').selectOption({ label: `Example: ${name}` })
      await page.locator('#model-name', { hasText: name }).waitFor()
    }
    const regions = page.locator('#regions .region')
    const styles = () => regions.evaluateAll((all) => all.map((r) => r.getAttribute('style')))
    await page.goto(browsing.site.url)
    await judged()
    const whole = await shownScore(page)
    for (let k = 0; k < 2; k++) await page.getByRole('button', { name: 'Add a region' }).click()
    for (let k = 0; k < 20; k++) await page.keyboard.press('Shift+ArrowRight')
    await kept([20, 60])
    const drawn = await styles()
    expect(drawn[0]).not.toBe(drawn[1])
    await page.reload()
    await judged()
    await expect.poll(styles).toEqual(drawn)
    await expect.poll(() => shownScore(page)).toBeLessThanOrEqual(whole)
    expect(await page.locator('#verdict-text').innerText()).toContain('of what counts')
    await open('woven cloth')
    expect(await styles()).toEqual([])
    await open('cables')
    await expect.poll(styles).toEqual(drawn)
    await page.getByRole('button', { name: 'Region 2, remove' }).click()
    await kept([20])
    await page.reload()
    await judged()
    await expect.poll(styles).toEqual(drawn.slice(0, 1))
    await page.getByRole('button', { name: 'Region 1, remove' }).click()
    await expect.poll(() => shownScore(page)).toBe(whole)
    await kept([])
    await page.reload()
    await judged()
    // what is kept would be there by now
    await page.waitForTimeout(500)
    expect(await styles()).toEqual([])
  })

  it('are exported: a table, JSON, and the pictures with their maps', async () => {
    const csv = (await saved('#export-csv')).toString('utf8').trim().split('\r\n')
    expect(csv[0]).toBe('path,score,threshold,anomalous,p_value,truth,marked')
    expect(csv).toHaveLength(exampleCount)
    const { images } = JSON.parse((await saved('#export-json')).toString('utf8')) as {
      images: { path: string; score: number; threshold: number; anomalous: boolean }[]
    }
    for (const { score, threshold, anomalous } of images) expect(anomalous).toBe(score > threshold)
    const files = unzipSync(await saved('#export-zip'))
    expect(Object.keys(files)).toHaveLength(exampleCount - 1)
    for (const file of Object.values(files))
      expect(Buffer.from(file.subarray(1, 4)).toString()).toBe('PNG')
  })

  it('are corrected: what is marked places the threshold', async () => {
    const threshold = async () =>
      Number(/Threshold ([\d.]*\d)/.exec(await page.locator('#rate-note').innerText())![1])
    const stored = await threshold()
    await page.locator('#gallery .tile', { hasText: 'good' }).first().click()
    await page.locator('#mark-defect').click()
    expect(await threshold()).toBeLessThan(stored)
    expect(await page.locator('#verdict-title').innerText()).toContain('Anomalous')
    await shot(page, 'marked')
    await page.locator('#mark-defect').click()
    expect(await threshold()).toBe(stored)
    await page.locator('#gallery .tile', { hasText: 'poke' }).click()
    await page.locator('#mark-fine').click()
    // a packed example cannot learn: its threshold lets it pass
    expect(await page.locator('#teach').isVisible()).toBe(false)
    expect(await page.locator('#verdict-title').innerText()).toContain('Like the good ones')
    await page.locator('#mark-fine').click()
  })

  it('come live from the camera, frame after frame', async () => {
    await page.getByRole('button', { name: 'Watch live' }).click()
    await page.locator('#live-rate', { hasText: 'pictures a second' }).waitFor({ timeout: 60_000 })
    expect(await page.locator('#live-verdict').innerText()).toMatch(/score [\d.]+/)
    expect(await page.locator('#live-heat').isVisible()).toBe(true)
    await shot(page, 'live')
    await page.locator('#live-take').click()
    await page.locator('#live-close').click()
    await page.locator('#gallery .tile', { hasText: 'live 001' }).waitFor()
    expect(
      await page.locator('#live-video').evaluate((v) => (v as HTMLVideoElement).srcObject),
    ).toBe(null)
  })

  it('of another example, whose address can be passed on', async () => {
    await page.locator('#examples button', { hasText: 'woven cloth' }).click()
    await page.locator('#model-name', { hasText: 'Example: woven cloth' }).waitFor()
    expect(new URL(page.url()).searchParams.get('detector')).toBe('mesh')
    expect(await page.locator('#code').textContent()).toContain("loadDetector('/mesh.onnx')")
    await page.reload()
    await page.locator('#model-name', { hasText: 'Example: woven cloth' }).waitFor()
    await settled(page, exampleCount)
    expect(await page.locator('#summary').innerText()).toContain('found 5 of 5')
    await page.locator('#tab-train').click()
    expect(new URL(page.url()).searchParams.get('tab')).toBe('train')
    await page.goBack()
    expect(await page.locator('#panel-detect').isVisible()).toBe(true)
  })

  it('of 200 images hold the page up nowhere, and are not kept in its memory', async () => {
    await page.locator('#model-file').setInputFiles({
      name: 'small.onnx',
      mimeType: 'application/octet-stream',
      buffer: Buffer.from(needing(1e6)),
    })
    const photo = await photograph(1, 64)
    const files = (n: number) =>
      Array.from({ length: n }, (_, i) => ({
        ...{ name: `${i}.jpg`, mimeType: 'image/jpeg', buffer: photo },
      }))
    const pick = page.locator('#detect-pick [data-pick=files]')
    await pick.setInputFiles(files(5))
    await settled(page, 5)
    const devtools = await browsing.context.newCDPSession(page)
    const used = async () => {
      await devtools.send('HeapProfiler.collectGarbage')
      const { usedSize, backingStorageSize = 0 } = (await devtools.send(
        'Runtime.getHeapUsage',
      )) as { usedSize: number; backingStorageSize?: number }
      return (usedSize + backingStorageSize) / 1e6
    }
    const before = await used()
    // as a chooser gives them: that they are made takes a task of its own, which is none of the page's
    await pick.evaluate(
      async (input: HTMLInputElement, { base64, count }) => {
        const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0))
        const transfer = new DataTransfer()
        for (let i = 0; i < count; i++)
          transfer.items.add(new File([bytes], `${i}.jpg`, { type: 'image/jpeg' }))
        await new Promise((resolve) => setTimeout(resolve, 200))
        const tasks: number[] = []
        new PerformanceObserver((list) =>
          tasks.push(...list.getEntries().map((e) => e.duration)),
        ).observe({ type: 'longtask' })
        Object.assign(globalThis, { longTasks: tasks })
        input.files = transfer.files
        setTimeout(() => input.dispatchEvent(new Event('change')))
      },
      { base64: photo.toString('base64'), count: 200 },
    )
    await settled(page, 205)
    const grown = (await used()) - before
    const tasks = await page.evaluate(
      () => (globalThis as unknown as { longTasks: number[] }).longTasks,
    )
    console.log(`web: 200 images: ${grown.toFixed(1)} MB more, tasks over 50 ms:`, tasks)
    // a map is 64 kB here
    expect(grown).toBeLessThan(5)
    await page.locator('#images-clear').click()
    expect((await used()) - before).toBeLessThan(3)
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Choose images')
  })
})
