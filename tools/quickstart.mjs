// npm run quickstart: install, then train, evaluate and report on each kind of the built-in data. Needs only Node and npm.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { install, root, run } from './workspace.mjs'

const kinds = ['mesh', 'cable', 'part']
const began = Date.now()
install()
const rows = []
for (const kind of kinds) {
  const out = join('runs', 'quickstart', kind)
  const start = Date.now()
  run(process.execPath, [
    '--conditions=@cflow/source',
    '--import',
    'tsx',
    join('apps', 'cli', 'src', 'main.ts'),
    'train',
    '--dataset',
    'synthetic',
    '--category',
    kind,
    '--out',
    out,
    '--overwrite',
  ])
  const { image, pixel } = JSON.parse(readFileSync(join(root, out, 'metrics.json'), 'utf8'))
  rows.push({
    kind,
    'pixel AUROC': pixel.auroc.toFixed(4),
    'pixel AUPRO': pixel.aupro.toFixed(4),
    'image AUROC': image.auroc.toFixed(4),
    seconds: ((Date.now() - start) / 1000).toFixed(0),
    report: join(out, 'report.html'),
  })
}
console.table(rows)
console.log(`${((Date.now() - began) / 1000).toFixed(0)} s in all, installation included.`)
console.log(
  `Next: npm run --silent cflow -- train --dataset folder --root YOUR_GOOD_IMAGES --out runs/mine`,
)
