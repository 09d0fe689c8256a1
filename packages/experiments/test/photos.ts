import { syntheticDataset } from '@cflow/datasets'
import { writeDataset } from '@cflow/datasets/node'

/** Built-in images in MVTec AD's layout, as a class of that name. */
export async function writeClass(dir: string, category: string): Promise<void> {
  const dataset = syntheticDataset({ kind: 'part', size: 64, train: 8, test: 6 })
  await writeDataset({ ...dataset, category }, dir)
}
