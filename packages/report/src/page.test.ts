import { parseManifest } from '@cflow/core'
import { expect, it } from 'vitest'
import { PixelMetrics, type TimedEvaluation } from '@cflow/metrics'
import type { Judged, ReportExample, ReportInput } from './input.js'
import { renderReport } from './page.js'
import { scoresCsv } from './scores-csv.js'

const size = 16
const evil = `<img src=x onerror="alert('1')">`

const manifest = parseManifest({
  cflow: JSON.stringify({
    format: 'cflow-detector',
    version: 1,
    software: { name: 'cflow', version: '0.1.0' },
    category: evil,
    encoder: {
      name: 'test-encoder',
      mean: [0, 0, 0],
      std: [1, 1, 1],
      taps: [{ name: 'tap1', channels: 4, stride: 4, height: 4, width: 4 }],
    },
    inputSize: size,
    recipe: 'whitened',
    flows: [],
    aggregation: 'joint',
    scales: [],
    calibration: {
      source: 'held-out',
      scores: [1, 2],
      falsePositiveRate: 0.05,
      threshold: 2,
      guaranteed: false,
    },
    training: { seed: 0, images: 8, heldOut: 2, passes: 3, digest: '00' },
  }),
})

const judged = (id: string, label: Judged['label'], defect: string, score: number): Judged => ({
  ...{ id, label, defect, score, threshold: 2, anomalous: score > 2, pValue: 0.5 },
})
const scores: readonly Judged[] = [
  judged('a/good', 'good', 'good', 1),
  judged(`b/${evil}`, 'anomalous', evil, 5),
  judged('c/missed', 'anomalous', 'dent', 1.5),
]

const example = (score: Judged, group: ReportExample['group']): ReportExample => ({
  ...score,
  group,
  image: { width: size, height: size, data: new Uint8Array(size * size * 3).fill(90) },
  mask: { width: size, height: size, data: new Uint8Array(size * size).fill(1, 0, 20) },
  anomalyMap: {
    width: size,
    height: size,
    data: Float32Array.from({ length: size * size }, (_, i) => (i < 20 ? 5 : 1)),
  },
})

const detection = {
  auroc: 0.9876,
  averagePrecision: 0.95,
  f1Max: 0.9,
  threshold: 2.5,
  precision: 0.8,
  recall: 1,
}

const evaluation: TimedEvaluation = {
  protocol: 'strict',
  image: detection,
  pixel: { ...detection, aupro: 0.8123 },
  operatingPoint: { threshold: 2, falsePositiveRate: 0, truePositiveRate: 0.5 },
  defects: [{ defect: evil, images: 1, imageAuroc: 1, pixelAuroc: NaN }],
  timing: { seconds: { train: 65 }, millisecondsPerImage: 12, imagesPerSecond: 80 },
}

/** Normal scores up to 2, anomalous ones from there to 4. */
const pixels = new PixelMetrics()
pixels.add(
  Float32Array.from({ length: 40 }, (_, i) => i / 10),
  Uint8Array.from({ length: 40 }, (_, i) => Number(i >= 20)),
  40,
  1,
)

const full: ReportInput = {
  category: evil,
  manifest,
  evaluation,
  scores,
  pixels,
  examples: [example(scores[1]!, 'best'), example(scores[2]!, 'mistake')],
  history: [1, 2, 3].map((pass) => ({ pass, losses: [4 - pass], learningRate: 1 })),
  modelBytes: 1_230_000,
}

function without<T extends object, K extends keyof T & string>(from: T, ...keys: K[]): Omit<T, K> {
  const kept = Object.entries(from).filter(([key]) => !(keys as string[]).includes(key))
  return Object.fromEntries(kept) as Omit<T, K>
}

const sections = (html: string) => [...html.matchAll(/<h2 id="(\w+)"/g)].map((m) => m[1])

it('shows every section when there is data for it', async () => {
  const html = await renderReport(full)
  expect(sections(html)).toEqual([
    'results',
    'scores',
    'examples',
    'calibration',
    'densities',
    'curves',
    'learning',
    'cost',
    'use',
  ])
  for (const text of ['98.76\u00a0%', '81.23\u00a0%', '1.23 MB', '1 min 05 s', 'Protocol: strict'])
    expect(html).toContain(text)
  expect(html).toContain('caught 1 of 2 defective images')
  expect(html.match(/src="data:image\/webp;base64,/g)).toHaveLength(6)
  expect(await renderReport(full)).toBe(html)
})

it('shows how the folders were read, and what is to be said of images and masks', async () => {
  const folder = { folder: 'val', role: 'left out', images: 3, masks: 0, why: 'kept back' }
  const reading = { folders: [folder], unread: { '.jp2': 2 }, warnings: ['all are grey'] }
  const said = {
    reading,
    remarks: ['the mask of a.png is empty'],
    resolution: { at: 'mask' } as const,
  }
  const html = await renderReport({ ...full, ...said })
  expect(sections(html)).toContain('data')
  for (const text of [
    'kept back',
    '2 files .jp2',
    'all are grey',
    'the mask of a.png is empty',
    'the size of each mask',
  ])
    // prettier-ignore
    expect(html).toContain(text)
})

it('lets nothing from outside become markup, and loads nothing', async () => {
  const html = await renderReport(full)
  expect(html).not.toContain('<img src=x')
  expect(html).toContain('&lt;img src=x onerror=&quot;alert(&#39;1&#39;)&quot;&gt;')
  expect(html.match(/<script/g)).toHaveLength(1)
  expect(html).not.toMatch(/(?:src|href)="(?!data:|#)/)
  expect(html).not.toContain('url(')
  expect(html).toContain("default-src 'none'".replaceAll("'", '&#39;'))
})

it('gives every picture and chart a description, and every table a caption', async () => {
  const html = await renderReport(full)
  for (const [tag] of html.matchAll(/<img [^>]*>/g)) expect(tag).toMatch(/ alt="[^"]+"/)
  for (const [tag] of html.matchAll(/<svg class="chart[^>]*>/g))
    expect(tag).toMatch(/ aria-label="[^"]+"/)
  expect(html.match(/<caption/g)).toHaveLength(html.match(/<table/g)!.length)
})

it('leaves out what an unlabelled set cannot have', async () => {
  const rest = without(full, 'evaluation', 'pixels')
  const unlabelled = scores.map((s) => ({ ...s, label: 'unknown' as const, defect: 'unknown' }))
  const html = await renderReport({ ...rest, scores: unlabelled, examples: [], history: [] })
  expect(sections(html)).toEqual(['results', 'scores', 'calibration', 'use'])
  expect(html).toContain('of 3 unlabelled images it called 1 anomalous')
  expect(html).not.toMatch(/NaN|undefined/)
})

it('says why a metric is missing when there are only good images', async () => {
  const none = Object.fromEntries(Object.keys(detection).map((k) => [k, NaN])) as never
  const html = await renderReport({
    ...full,
    scores: scores.slice(0, 1),
    evaluation: {
      ...evaluation,
      image: none,
      pixel: { ...(none as object), aupro: NaN } as never,
      operatingPoint: { threshold: 2, falsePositiveRate: 0, truePositiveRate: NaN },
      defects: [],
    },
    examples: [],
  })
  expect(html).toContain('–<br><span class="note">no defective images</span>')
  expect(html).toContain('no defects to find')
  expect(html).toContain('what it catches could not be measured')
  expect(html).not.toContain('NaN')
})

it('does without ground-truth masks', async () => {
  const images = without(evaluation, 'pixel')
  const bare = without(full.examples[0]!, 'mask')
  const html = await renderReport({ ...full, evaluation: images, examples: [bare] })
  expect(html).toContain('no ground-truth masks')
  expect(html).not.toContain('outlined in <span class="key truth">')
})

it('promises a rate only where it is guaranteed', async () => {
  const calibrated = (changes: Partial<typeof manifest.calibration>) =>
    renderReport({
      ...full,
      examples: [],
      manifest: { ...manifest, calibration: { ...manifest.calibration, ...changes } },
    })
  const few = await calibrated({})
  expect(few).toContain('2 good images are too few')
  expect(few).not.toContain('promised')
  expect(few).toContain('33.4\u00a0%')
  expect(await calibrated({ guaranteed: true })).toContain('too few')
  expect(await calibrated({ source: 'training' })).toContain('Nothing is promised')
})

it('takes a run without scores, and losses that are not numbers', async () => {
  const history = [{ pass: 1, losses: [NaN], learningRate: 1 }]
  const html = await renderReport({ ...full, scores: [], examples: [], history })
  expect(html).toContain('No images were judged:')
  expect(html).toContain('The loss is not a number.')
  expect(html).not.toMatch(/="[^"]*NaN/)
})

it('takes no figure from the images that set the threshold', async () => {
  const calibration = {
    images: [
      { id: 'low.png', score: 1 },
      { id: `=high ${evil}`, score: 2 },
    ],
    defects: [{ id: 'dented.png', score: 9 }],
    decisive: example(judged('high', 'good', 'good', 2), 'doubtful'),
  }
  const setBy = { id: `=high ${evil}`, score: 2 }
  const knownDefects = { scores: [9], conformal: 2 }
  const trained = {
    ...manifest,
    calibration: { ...manifest.calibration, setBy, knownDefects, threshold: 3 },
  }
  const rest = without(full, 'evaluation', 'pixels')
  const none = { ...rest, manifest: trained, scores: [], examples: [], calibration }
  const html = await renderReport(none)
  expect(sections(html)).toEqual(['results', 'calibration', 'learning', 'use'])
  expect(html).toContain('was not measured')
  expect(html).not.toMatch(/false alarm on|interval/)
  expect(html).toContain('Finds the one known defect')
  expect(html).toContain('moved up to 3.000')
  expect(html).not.toContain('<img src=x')
  expect(html.match(/src="data:image\/webp;base64,/g)).toHaveLength(3)
  // the same scores to take away, which no spreadsheet takes for formulas
  const csv = scoresCsv(none)
  expect(csv.split('\r\n').slice(1, 4)).toEqual([
    'low.png,calibration,good,good,1,3,good,,',
    `"'=high ${evil.replaceAll('"', '""')}",calibration,good,good,2,3,good,,`,
    'dented.png,known defect,defect,,9,3,anomalous,,',
  ])
  const link = /href="data:text\/csv;charset=utf-8;base64,([^"]+)" download/.exec(html)?.[1] ?? ''
  expect(Buffer.from(link, 'base64').toString()).toBe(csv)

  // and where they are among those that were judged
  const own = await renderReport({ ...full, ownEvidence: 1 })
  expect(own).toContain('not measured: 1 of the good images judged set the threshold')
  expect(own).toContain('caught 1 of 2 defective images.')
  expect(own).not.toContain('false alarm on')
})

it('draws masks at the threshold that the detector uses, whatever would have been best', async () => {
  // the best threshold on these very pixels is 2
  const at = { ...manifest, calibration: { ...manifest.calibration, threshold: 3.3 } }
  const html = await renderReport({ ...full, manifest: at })
  expect(html).toContain('above the detector’s threshold, 3.300')
  expect(html).toContain('Above the threshold τ = 3.300')
  expect(html).toContain('1 defect missed, 0 false alarms')
})

it('says when, from what and how it was made, and counts right and wrong', async () => {
  const made = { date: '2031-05-06 07:08 UTC', folder: `/photos/${evil}`, command: 'cflow train' }
  const html = await renderReport({ ...full, made })
  for (const text of ['2031-05-06 07:08 UTC', '/photos/&lt;img', '<code>cflow train</code>'])
    expect(html).toContain(text)
  const matrix = /<table class="confusion">.*?<\/table>/s
    .exec(html)?.[0]
    .replaceAll(/<[^>]+>/g, ' ')
  expect(matrix?.replaceAll(/\s+/g, ' ')).toMatch(/Good 1 0 1 Defective 1 missed 1 2/)
})
