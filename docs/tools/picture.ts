// The picture of the README: built-in images, and what `cflow predict` draws on them. node … docs/tools/picture.ts FOLDER
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { syntheticDataset, type SyntheticKind } from '@cflow/datasets'
import { writeDataset } from '@cflow/datasets/node'
import sharp from 'sharp'
import { workspace } from './surface.ts'

const [folder = 'runs/picture'] = process.argv.slice(2)
const side = 240
const gap = 8
/** Of each kind of image, the defects that are shown. */
const shown: readonly (readonly [SyntheticKind, readonly string[]])[] = [
  ['cable', ['good', 'bent_strands', 'poke']],
  ['part', ['good', 'scratch', 'chip']],
]

const cflow = (...args: readonly string[]): void => {
  const main = join(workspace, 'apps/cli/src/main.ts')
  const flags = ['--conditions=@cflow/source', '--import', 'tsx', main, ...args]
  execFileSync(process.execPath, flags, { stdio: 'inherit' })
}

const tiles: { input: Buffer; left: number; top: number }[] = []
let column = 0
for (const [kind, defects] of shown) {
  const run = join(folder, `run-${kind}`)
  await writeDataset(syntheticDataset({ kind, train: 40, test: 36 }), folder)
  if (!existsSync(join(run, 'model.onnx')))
    cflow('train', '--dataset', 'mvtec', '--root', folder, '--category', kind, '--out', run, '--overwrite') // prettier-ignore
  const test = join(folder, kind, 'test')
  console.log(kind, readdirSync(test))
  for (const defect of defects) {
    if (!existsSync(join(test, defect))) continue
    const drawn = join(folder, `drawn-${kind}`, defect)
    cflow('predict', join(run, 'model.onnx'), join(test, defect), '--out', drawn, '--overwrite', '--quiet') // prettier-ignore
    const name = readdirSync(join(test, defect)).sort()[0]!
    const overlay = readdirSync(drawn).sort()[0]!
    for (const [row, path] of [join(test, defect, name), join(drawn, overlay)].entries())
      tiles.push({
        input: await sharp(path).resize(side, side).png().toBuffer(),
        left: column * (side + gap),
        top: row * (side + gap),
      })
    column++
  }
}
const [width, height] = [column * (side + gap) - gap, 2 * (side + gap) - gap]
const picture = join(workspace, 'docs/public/result.webp')
await sharp({ create: { width, height, channels: 3, background: 'white' } })
  .composite(tiles)
  .webp({ quality: 82 })
  .toFile(picture)
console.log(`${width}×${height}: ${picture}`)
