import { Random, type Mask, type RgbImage } from '@cflow/base'
import { syntheticDataset } from '@cflow/datasets'
import { auroc, averagePrecision, f1Max, rocCurve, scoreHistogram } from '@cflow/metrics'
import { writeFileSync } from 'node:fs'
import { renderReport } from './render.js'
import type { ReportExample, ReportInput, ReportScore } from './input.js'

const S = 256
function blur(a: Float32Array, s: number): Float32Array {
  const k = Array.from({ length: 6 * s + 1 }, (_, i) => Math.exp(-((i - 3 * s) ** 2) / (2 * s * s)))
  const t = k.reduce((x, y) => x + y)
  const pass = (src: Float32Array, dx: number, dy: number) => {
    const o = new Float32Array(S * S)
    for (let y = 0; y < S; y++) for (let x = 0; x < S; x++) {
      let v = 0
      for (let j = 0; j < k.length; j++) {
        const xx = Math.min(S - 1, Math.max(0, x + (j - 3 * s) * dx)), yy = Math.min(S - 1, Math.max(0, y + (j - 3 * s) * dy))
        v += k[j]! * src[yy * S + xx]!
      }
      o[y * S + x] = v / t
    }
    return o
  }
  return pass(pass(a, 1, 0), 0, 1)
}
async function build(kind: string, mode: string, out: string) {
  const tail = mode === 'tail'
  const r = Random.seeded(5, kind)
  const ds = syntheticDataset({ kind: kind as never, size: S, test: 60, train: 4 })
  const items: (ReportScore & { image: RgbImage; truth?: Mask; map: Float32Array })[] = []
  for (const s of ds.test) {
    const image = await s.load()
    const truth = s.loadMask ? await s.loadMask() : { width: S, height: S, data: new Uint8Array(S * S) }
    const noise = blur(Float32Array.from({ length: S * S }, () => r.normal()), 7)
    const strength = s.label === 'good' ? 0 : Math.exp(0.8 * r.normal() + 1.3)
    const body = blur(Float32Array.from(truth.data), 6)
    let map = Float32Array.from(body, (v, i) => 0.8 + strength * v + noise[i]! * 2.5 + 0.15 * r.next())
    if (tail) map = map.map((v) => 300 * Math.exp(1.3 * (v - 0.8)))
    const score = map.reduce((a, b) => Math.max(a, b), -Infinity)
    items.push({ id: s.id, label: s.label as never, defect: s.defect, score, image, truth, map })
  }
  const labels = items.map((i) => (i.label === 'good' ? 0 : 1))
  const scores = items.map((i) => i.score)
  const goodScores = scores.filter((_, i) => labels[i] === 0).sort((a, b) => a - b)
  const threshold = goodScores[goodScores.length - 2]! * 1.001
  const all = new Float32Array(items.length * S * S), allM = new Uint8Array(items.length * S * S)
  items.forEach((it, i) => { all.set(it.map, i * S * S); allM.set(it.truth!.data, i * S * S) })
  const pf = f1Max(all, allM) as never as Record<string, number>, f = f1Max(scores, labels) as never as Record<string, number>
  const hist = scoreHistogram(all, allM, { bins: tail ? 100 : 300 })
  const roc = rocCurve(scores, labels), proc = rocCurve(all, allM)
  const by = (g: string) => items.filter((i) => i.label === g).sort((a, b) => a.score - b.score)
  const ex = (g: ReportExample['group'], list: typeof items): ReportExample[] => list.map((x) => ({ ...x, group: g }))
  const near = [...items].sort((a, b) => Math.abs(a.score - threshold) - Math.abs(b.score - threshold))
  const examples = [...ex('best', [...by('anomalous').slice(-4), ...by('good').slice(0, 2)]), ...ex('worst', [...by('anomalous').slice(0, 4), ...by('good').slice(-2)]), ...ex('doubtful', near.slice(0, 6))]
  const manifest = {
    format: 'cflow-detector', version: 1, software: { name: '@cflow/trainer', version: '0.1.0' }, method: 'cflow', category: kind,
    encoder: { name: 'efficientnet-lite0', mean: [0.5, 0.5, 0.5], std: [0.2, 0.2, 0.2], taps: [
      { name: 'blocks.2', channels: 40, stride: 8, height: 32, width: 32 }, { name: 'blocks.4', channels: 112, stride: 16, height: 16, width: 16 }, { name: 'blocks.6', channels: 320, stride: 32, height: 8, width: 8 }] },
    inputSize: S, recipe: 'whitened', flows: [40, 112, 320].map((depth) => ({ depth, condition: 128, couplingLayers: 4, permutation: 'soft', clamp: 'paper' })),
    aggregation: 'joint', scales: [], calibration: { scores: goodScores, falsePositiveRate: tail ? 0.01 : 0.05, threshold, guaranteed: !tail },
    training: { seed: 0, images: 192, heldOut: goodScores.length, passes: 12, digest: 'ab'.repeat(32) },
  }
  const det = (x: Record<string, number>, a: number, p: number) => ({ auroc: a, averagePrecision: p, f1Max: x['f1Max'] ?? x['f1'] ?? NaN, threshold: x['threshold'] ?? NaN, precision: x['precision'] ?? NaN, recall: x['recall'] ?? NaN })
  const defects = [...new Set(items.map((i) => i.defect))].filter((d) => d !== 'good').sort()
  const full: ReportInput = {
    title: `${kind}, efficientnet-lite0 at ${S} px`, manifest: manifest as never,
    evaluation: { protocol: tail ? 'paper' : 'strict', image: det(f, auroc(scores, labels), averagePrecision(scores, labels)), pixel: { ...det(pf, auroc(all, allM), averagePrecision(all, allM)), aupro: 0.9213 },
      operatingPoint: { threshold, falsePositiveRate: goodScores.filter((s) => s > threshold).length / goodScores.length, truePositiveRate: by('anomalous').filter((s) => s.score > threshold).length / by('anomalous').length },
      defects: defects.map((defect) => { const l = items.filter((i) => i.defect === defect || i.label === 'good'); return { defect, images: l.filter((i) => i.defect === defect).length, imageAuroc: auroc(l.map((i) => i.score), l.map((i) => (i.label === 'good' ? 0 : 1))), pixelAuroc: 0.97 } }),
      timing: { seconds: { features: 31.2, whiten: 2.4, train: 187.5, calibrate: 9.1, evaluate: 22.8 }, millisecondsPerImage: 31.4, imagesPerSecond: 31.8 } },
    pixelThreshold: pf['threshold']!, scores: items.map(({ id, label, defect, score }) => ({ id, label, defect, score })), examples, histogram: hist,
    curves: { imageRoc: { x: roc.fpr, y: roc.tpr }, pixelRoc: { x: proc.fpr, y: proc.tpr }, pro: { x: proc.fpr, y: proc.tpr.map((v) => v ** 1.4) } },
    history: Array.from({ length: 12 }, (_, i) => ({ pass: i + 1, losses: [0, 1, 2].map((k) => [1.2, 0.95, 1.05][k]! - 0.3 * (1 - Math.exp(-i / 3)) + 0.005 * r.normal() - k * 0.8), learningRate: 1e-3 * (1 - i / 13), seconds: 15 })),
    modelBytes: 18_400_000,
  }
  let input: ReportInput = full
  const { evaluation, histogram: _h, curves: _c, ...bare } = full
  void _h; void _c
  if (mode === 'unlabelled')
    input = { ...bare, scores: full.scores.map((s) => ({ ...s, label: 'unknown', defect: 'unknown' })), examples: full.examples.map(({ truth: _t, ...e }) => { void _t; return { ...e, label: 'unknown' as const, defect: 'unknown' } }) }
  if (mode === 'good') {
    const nan = { auroc: NaN, averagePrecision: NaN, f1Max: NaN, threshold: NaN, precision: NaN, recall: NaN }
    input = { ...bare, scores: full.scores.filter((s) => s.label === 'good'), examples: full.examples.filter((s) => s.label === 'good'), evaluation: { ...evaluation!, image: nan, pixel: { ...nan, aupro: NaN }, defects: [], operatingPoint: { ...evaluation!.operatingPoint, truePositiveRate: NaN } }, histogram: { ...hist, anomalous: hist.anomalous.map(() => 0) } }
  }
  const html = await renderReport(input)
  writeFileSync(out, html)
  console.log(out, (html.length / 1e6).toFixed(2), 'MB')
}
for (const spec of process.argv.slice(2)) { const [kind, mode] = spec.split(':'); await build(kind!, mode!, `/tmp/r-${kind}-${mode}.html`) }
