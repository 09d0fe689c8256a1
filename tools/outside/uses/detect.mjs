// a detector is trained on ten images, written, loaded, and used
import { strict as assert } from 'node:assert'
import { writeFile } from 'node:fs/promises'
import { syntheticDataset } from '@cflow/datasets'
import { explain, loadDetector } from '@cflow/detector'
import { trainDetector } from '@cflow/trainer'

const { train, test } = syntheticDataset({ kind: 'mesh', size: 64, train: 10, test: 4 })
const good = await Promise.all(train.map((sample) => sample.load()))
const stages = new Set()
const { model, manifest } = await trainDetector(good, {
  ...{ method: 'patchcore', inputSize: 64, category: 'mesh' },
  onProgress: ({ stage }) => stages.add(stage),
})
assert.equal(manifest.category, 'mesh')
assert(stages.has('read'))
await writeFile('model.onnx', model)

const detector = await loadDetector('model.onnx')
const scores = { good: [], anomalous: [] }
for (const sample of test) {
  const detection = await detector.detect(await sample.load())
  assert.equal(detection.anomalyMap.width, 64)
  assert.match(explain(detection), /^score /)
  scores[sample.label].push(detection.score)
}
assert(Math.max(...scores.anomalous) > Math.max(...scores.good))
await detector.release()
console.log('ok')
