// node judge.mjs MODEL FOLDER: a line for each photograph; exit code 3 where one is anomalous
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { loadDetector } from '@cflow/detector'

const [model = 'model.onnx', folder = 'photos'] = process.argv.slice(2)
const detector = await loadDetector(model)

const isPhoto = (name) => /\.(png|jpe?g|webp|tiff?)$/i.test(name)
let anomalous = 0
for (const name of (await readdir(folder)).filter(isPhoto).sort()) {
  // the map is most of a result, and not needed for a verdict
  const result = await detector.detect(join(folder, name), { parts: { map: false } })
  if (result.anomalous) anomalous++
  console.log(`${result.anomalous ? 'ANOMALOUS' : 'good     '} ${result.score.toFixed(3)} ${name}`)
}
await detector.release()
process.exitCode = anomalous > 0 ? 3 : 0
