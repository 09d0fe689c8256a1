import { noise, toyDetector } from '@cflow/core/testing'
import { decodeImage } from '@cflow/datasets/node'
import { loadDetector } from '@cflow/detector'
import { createServer } from 'node:http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { outcome, png, serving, upload } from '../../test/serving.js'
import { fetchImage, isPublic } from './fetch-image.js'

const { url, context } = await serving({ batchMilliseconds: 20, allowUrls: true })
const library = await loadDetector(toyDetector())
const images = [noise(1, 30, 40), noise(2, 64, 64), noise(3, 200, 100), noise(4, 64, 64)]
const files = await Promise.all(images.map(png))
const predict = `${url}/v1/detectors/toy/predict`

beforeAll(async () => {
  expect((await upload(url, 'toy')).status).toBe(201)
})
afterAll(() => library.release())

interface Answer {
  readonly anomaly_score: number
  readonly anomaly_threshold: number
  readonly is_anomalous: boolean
  readonly p_value: number
  readonly regions: readonly { x: number; y: number; width: number; height: number; area: number; peak: { x: number; y: number; value: number } }[] // prettier-ignore
  readonly heat_map?: string
  readonly mask?: string
  readonly anomaly_map?: { width: number; height: number; data: string }
}
const post = (body: BodyInit, type?: string, address = predict, accept?: string) =>
  fetch(address, {
    method: 'POST',
    body,
    headers: { ...(type && { 'content-type': type }), ...(accept && { accept }) },
  })
const judged = async (...args: Parameters<typeof post>) => {
  const response = await post(...args)
  expect(response.status, await response.clone().text()).toBe(200)
  return (await response.json()) as Answer
}

/** Mean likelihoods of images far from those of calibration, as the library gives them, are what drift is told. */
it('compares the likelihoods of recent images with those of calibration', async () => {
  await upload(url, 'scales')
  const shifts: number[][] = []
  for (let i = 0; i < 32; i++) {
    const image = noise(i, 32, 32)
    await judged(await png(image), 'image/png', `${url}/v1/detectors/scales/predict`)
    const { likelihoods } = await library.detect(image, { parts: { likelihoods: true } })
    shifts.push(likelihoods.map((l, k) => (l - library.manifest.scales[k]!.mean) / library.manifest.scales[k]!.deviation)) // prettier-ignore
  }
  const answer = await fetch(`${url}/v1/detectors/scales/drift`)
  const { scale_shifts: found } = (await answer.json()) as { scale_shifts: number[] }
  expect(found).toHaveLength(2)
  for (const [k, shift] of found.entries())
    expect(shift).toBeCloseTo(shifts.reduce((sum, s) => sum + s[k]!, 0) / shifts.length, 3)
})

describe('predict', () => {
  it('answers what the library says, whatever way the image is sent', async () => {
    for (const [i, file] of files.entries()) {
      const own = await library.detect(images[i]!)
      const base64 = Buffer.from(file).toString('base64')
      const answers = await Promise.all([
        judged(file, 'image/png'),
        judged(file, 'application/octet-stream'),
        judged(file, 'application/x-www-form-urlencoded'),
        judged(JSON.stringify({ base64 }), 'application/json'),
        judged(JSON.stringify({ base64: `data:image/png;base64,${base64}` }), 'application/json'),
        judged(file, 'image/png', `${url}/v1/detectors/toy/versions/1/predict`),
      ])
      for (const answer of answers) {
        expect(answer.anomaly_score).toBeCloseTo(own.score, 4)
        expect(answer).toMatchObject({
          anomaly_threshold: own.threshold,
          is_anomalous: own.anomalous,
          p_value: own.pValue,
          width: images[i]!.width,
          height: images[i]!.height,
          detector: 'toy',
          version: 1,
          promise: { kind: 'average', rate: 0.05 },
        })
      }
    }
  })

  it('answers many in their order, and tells which could not be read', async () => {
    const form = new FormData()
    for (const [i, file] of files.entries()) form.append('images', new Blob([file]), `${i}.png`)
    form.append('images', new Blob(['no image']), 'text.txt')
    const response = await fetch(predict, { method: 'POST', body: form })
    const { predictions } = (await response.json()) as {
      readonly predictions: readonly (Answer & { readonly name: string; readonly error?: { readonly code: string } })[] // prettier-ignore
    }
    expect(predictions.map((p) => p.name)).toEqual(['0.png', '1.png', '2.png', '3.png', 'text.txt'])
    for (const [i, image] of images.entries())
      expect(predictions[i]!.anomaly_score).toBeCloseTo((await library.detect(image)).score, 4)
    expect(predictions[4]!.error?.code).toBe('IMAGE')
  })

  it('takes a rate or a threshold', async () => {
    const own = await library.detect(images[1]!, { falsePositiveRate: 0.3 })
    const answer = await judged(files[1]!, 'image/png', `${predict}?false_positive_rate=0.3`)
    expect(answer).toMatchObject({ anomaly_threshold: own.threshold, is_anomalous: own.anomalous })
    const low = await judged(files[1]!, 'image/png', `${predict}?threshold=${own.score - 1}`)
    expect(low.is_anomalous).toBe(true)
    expect(low).not.toHaveProperty('promise')
    for (const query of ['false_positive_rate=2', 'threshold=x', 'threshold=1&false_positive_rate=0.1', 'include=nothing', 'version=0', 'version=1e99']) // prettier-ignore
      expect(await outcome(post(files[1]!, 'image/png', `${predict}?${query}`))).toEqual([400, 'USAGE']) // prettier-ignore
  })

  it('shows where: regions, heat map, mask and map agree with the library’s', async () => {
    const image = images[2]!
    const own = await library.detect(image)
    const threshold = own.score - 0.2 * Math.abs(own.score)
    const address = `${predict}?threshold=${threshold}&include=heat_map,mask,anomaly_map`
    const answer = await judged(files[2]!, 'image/png', address)
    const map = Buffer.from(answer.anomaly_map!.data, 'base64')
    const values = new Float32Array(map.buffer, map.byteOffset, map.length / 4)
    for (const [i, value] of own.anomalyMap.data.entries()) expect(values[i]).toBeCloseTo(value, 3)
    const heat = await decodeImage(Buffer.from(answer.heat_map!, 'base64'))
    expect(heat).toMatchObject({ width: image.width, height: image.height })
    expect(heat.data).not.toEqual(image.data)
    const mask = await decodeImage(Buffer.from(answer.mask!, 'base64'))
    expect(mask).toMatchObject({ width: image.width, height: image.height })
    // every region holds its peak, and all of the map above the threshold lies in one
    expect(answer.regions.length).toBeGreaterThan(0)
    const [first] = answer.regions
    expect(first!.peak.value).toBeCloseTo(own.score, 4)
    for (const { x, y, width, height, area, peak } of answer.regions) {
      expect(peak.x >= x && peak.x < x + width && peak.y >= y && peak.y < y + height).toBe(true)
      expect(area).toBeLessThanOrEqual(width * height)
      expect(x + width <= image.width && y + height <= image.height).toBe(true)
    }
    const { width, height, data } = own.anomalyMap
    for (const [i, value] of data.entries()) {
      if (value <= threshold) continue
      const px = (((i % width) + 0.5) * image.width) / width
      const py = ((Math.floor(i / width) + 0.5) * image.height) / height
      expect(answer.regions.some((r) => px >= r.x && px <= r.x + r.width && py >= r.y && py <= r.y + r.height)).toBe(true) // prettier-ignore
    }
  })

  it('answers pictures and numbers where Accept asks for them', async () => {
    const heat = await post(files[2]!, 'image/png', predict, 'image/png')
    expect(heat.headers.get('content-type')).toBe('image/png')
    expect(heat.headers.get('x-is-anomalous')).toMatch(/^(true|false)$/)
    const picture = await decodeImage(new Uint8Array(await heat.arrayBuffer()))
    expect(picture).toMatchObject({ width: 200, height: 100 })
    const map = await post(files[2]!, 'image/png', predict, 'application/octet-stream;q=0.9, image/gif') // prettier-ignore
    expect(Number(map.headers.get('x-map-width'))).toBe(32)
    const bytes = await map.arrayBuffer()
    const own = await library.detect(images[2]!)
    expect(Math.max(...new Float32Array(bytes))).toBeCloseTo(own.score, 4)
    expect(await outcome(post(files[2]!, 'image/png', predict, 'text/html'))).toEqual([406, 'NOT_ACCEPTABLE']) // prettier-ignore
  })

  it('joins images that wait into one run', async () => {
    const before = await context.metrics.batchSize.get()
    await Promise.all(Array.from({ length: 24 }, (_, i) => judged(files[i % 4]!, 'image/png')))
    const after = await context.metrics.batchSize.get()
    const count = (m: typeof before) =>
      m.values.find((v) => v.metricName?.endsWith('_count'))!.value
    expect(count(after) - count(before)).toBeLessThan(24)
  })

  it('tells what is wrong', async () => {
    const cases: readonly (readonly [BodyInit, string | undefined, number, string])[] = [
      ['', 'image/png', 400, 'USAGE'],
      ['not an image', 'image/png', 422, 'IMAGE'],
      [files[0]!.subarray(0, files[0]!.length >> 1), 'image/png', 422, 'IMAGE'],
      ['{"base64": "***"}', 'application/json', 400, 'USAGE'],
      ['{"base64": ', 'application/json', 400, 'USAGE'],
      ['{"images": []}', 'application/json', 400, 'USAGE'],
      ['[]', 'application/json', 400, 'USAGE'],
      ['{"base64": "AA==", "url": "http://example.org"}', 'application/json', 400, 'USAGE'],
      [new FormData(), undefined, 400, 'USAGE'],
      ['--x\r\n', 'multipart/form-data; boundary=x', 400, 'USAGE'],
    ]
    for (const [body, type, status, code] of cases)
      expect(await outcome(post(body, type)), JSON.stringify(body)).toEqual([status, code])
    const nowhere = [`${url}/v1/detectors/other/predict`, `${predict}?version=7`]
    for (const address of nowhere)
      expect(await outcome(post(files[0]!, 'image/png', address))).toEqual([404, 'NOT_FOUND'])
    const odd = ['..%2f..%2fetc', 'a%00b', 'a..b', 'x'.repeat(150), '.hidden']
    for (const id of odd)
      expect(await outcome(post(files[0]!, 'image/png', `${url}/v1/detectors/${id}/predict`))).toEqual([400, 'USAGE']) // prettier-ignore
    expect(await outcome(fetch(predict))).toEqual([405, 'METHOD'])
    expect(await outcome(fetch(`${url}/nothing`))).toEqual([404, 'NOT_FOUND'])
  })
})

describe('an image from an address', () => {
  const server = createServer((request, response) => {
    if (request.url === '/image') return response.end(files[1])
    if (request.url === '/loop') return response.writeHead(302, { location: '/loop' }).end()
    if (request.url === '/inside')
      return response.writeHead(302, { location: 'http://127.0.0.2:1/' }).end()
    return response.writeHead(404).end()
  })
  let base = ''
  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    base = `http://localhost:${(server.address() as { port: number }).port}`
  })
  afterAll(() => void server.close())
  const thisMachine = (address: string) => address === '127.0.0.1' || address === '::1'

  it('is fetched from the address that was checked', async () => {
    expect(await fetchImage(`${base}/image`, 1e6, thisMachine)).toEqual(Buffer.from(files[1]!))
    await expect(fetchImage(`${base}/image`, 10, thisMachine)).rejects.toMatchObject({ code: 'TOO_LARGE' }) // prettier-ignore
    await expect(fetchImage(`${base}/loop`, 10, thisMachine)).rejects.toMatchObject({ code: 'NETWORK' }) // prettier-ignore
    await expect(fetchImage(`${base}/no`, 10, thisMachine)).rejects.toMatchObject({ code: 'NETWORK' }) // prettier-ignore
    // a redirect is checked as the first address is
    await expect(fetchImage(`${base}/inside`, 10, thisMachine)).rejects.toMatchObject({ code: 'FORBIDDEN' }) // prettier-ignore
  })

  it('never comes from a private one', async () => {
    const addresses = [`${base}/image`, 'http://127.0.0.1/', 'http://0x7f.1/', 'http://[::1]/', 'http://[::ffff:10.0.0.1]/', 'http://169.254.169.254/latest', 'http://0/', 'https://192.168.1.1/', 'http://[fd00::1]/', 'http://[64:ff9b::a00:1]/', 'http://2130706433/'] // prettier-ignore
    for (const address of addresses)
      expect(await outcome(post(JSON.stringify({ url: address }), 'application/json')), address).toEqual([403, 'FORBIDDEN']) // prettier-ignore
    for (const address of ['file:///etc/passwd', 'http://user:pw@example.org/', 'x'])
      expect(await outcome(post(JSON.stringify({ url: address }), 'application/json'))).toEqual([400, 'USAGE']) // prettier-ignore
    expect(isPublic('93.184.216.34')).toBe(true)
    expect(isPublic('100.64.0.1')).toBe(false)
  })
})
