import { syntheticDataset } from '@cflow/datasets'
import { writeDataset, writePng } from '@cflow/datasets/node'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

const part = (train: number, test: number) =>
  syntheticDataset({ kind: 'part', size: 64, train, test })

/** MVTec AD's layout in `<dir>/part`, with one category. */
export async function writeMvtec(dir: string, train = 8, test = 6): Promise<void> {
  await writeDataset(part(train, test), dir)
}

/** Good images only, as `<dir>/0.png` … */
export async function writeGood(dir: string, count = 8): Promise<void> {
  for (const [i, sample] of part(count, 0).train.entries())
    await writePng(join(dir, `${i}.png`), await sample.load())
}

/** A PNG that was cut off after its header. */
export async function writeTruncated(path: string): Promise<void> {
  const [sample] = part(1, 0).train
  await writePng(path, await sample!.load())
  await writeFile(path, (await readFile(path)).subarray(0, 400))
}
