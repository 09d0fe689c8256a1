// npm run quickstart: train, evaluate and report on each of the three built-in kinds of images.
import { install } from './install.mjs'
import { cflow } from './run.mjs'

await install()

const passes = '2'
const rows = [['images', 'pixel AUROC', 'image AUROC', 'time', 'report']]
let failed = false
for (const kind of ['mesh', 'cable', 'part']) {
  const out = `runs/quickstart/${kind}`
  console.error(`\n${kind}: training on 40 good images, then judging 36 others`)
  const args = ['train', '--dataset', 'synthetic', '--category', kind, '--passes', passes]
  const { code, text } = await cflow([...args, '--out', out, '--json'], { stdout: 'pipe' })
  failed ||= code !== 0
  if (code !== 0) continue
  const { pixel, image, timing, files } = JSON.parse(text)
  const seconds = `${timing.seconds.total.toFixed(0)} s`
  rows.push([kind, pixel.auroc.toFixed(4), image.auroc.toFixed(4), seconds, files.report])
}

const widths = rows[0].map((_, i) => Math.max(...rows.map((row) => row[i].length)))
console.log()
for (const row of rows) console.log(row.map((cell, i) => cell.padEnd(widths[i])).join('  '))
console.log('\nOpen a report in a browser, or try a detector on your own images:')
console.log(
  '  npm run --silent cflow -- predict runs/quickstart/part/model.onnx IMAGES --out overlays',
)
process.exit(failed ? 1 : 0)
