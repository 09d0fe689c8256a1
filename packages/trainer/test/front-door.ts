import { readdir, writeFile } from 'node:fs/promises'
import { loadDetector } from '@cflow/detector'
import { trainDetector } from '@cflow/trainer'

const good = (await readdir('good')).map((name) => `good/${name}`) // 30 to 300 photographs
const { model, remarks } = await trainDetector(good, {
  category: 'bolts',
  method: 'patchcore', // settings are those of `cflow train --help`; each has a default
  inputSize: 128,
  onProgress: ({ stage, done, total }) => console.log(stage, `${done}/${total}`),
  signal: AbortSignal.timeout(600_000), // or that of a button
  finish: AbortSignal.timeout(60_000), // then with what was learned so far
})
console.log(remarks) // what is to be said of the images, such as that some are copies
await writeFile('model.onnx', model)

const detector = await loadDetector(model)
const { anomalous, score, threshold } = await detector.detect('new.png')
console.log(anomalous, score, threshold)
await detector.release()
