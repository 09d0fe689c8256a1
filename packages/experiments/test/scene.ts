import { syntheticDataset } from '@cflow/datasets'
import { writePng } from '@cflow/datasets/node'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

const size = 64

/** Built-in images as one scene in the layout of ShanghaiTech Campus: extracted frames, `.npy` masks. */
export async function writeScene(root: string, scene: string): Promise<void> {
  const { train, test } = syntheticDataset({ kind: 'part', size, train: 8, test: 6 })
  const frame = (i: number) => `${String(i).padStart(3, '0')}.png`
  for (const [i, sample] of train.entries())
    await writePng(join(root, 'training', 'frames', `${scene}_001`, frame(i)), await sample.load())
  const clip = `${scene}_0014`
  const masks = new Uint8Array(test.length * size * size)
  for (const [i, sample] of test.entries()) {
    await writePng(join(root, 'testing', 'frames', clip, frame(i)), await sample.load())
    const mask = await sample.loadMask?.()
    if (mask) masks.set(mask.data, i * size * size)
  }
  const labels = Uint8Array.from(test, (s) => (s.label === 'anomalous' ? 1 : 0))
  await writeNpy(join(root, 'testing', 'test_frame_mask'), clip, `${test.length},`, labels)
  await writeNpy(join(root, 'testing', 'test_pixel_mask'), clip, `${test.length}, ${size}, ${size}`, masks) // prettier-ignore
}

async function writeNpy(folder: string, name: string, shape: string, data: Uint8Array) {
  const text = `{'descr': '|u1', 'fortran_order': False, 'shape': (${shape}), }`
  const header = Buffer.from(`\x93NUMPY\x01\x00\x00\x00${text.padEnd(117)}\n`, 'latin1')
  header.writeUInt16LE(118, 8)
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, `${name}.npy`), Buffer.concat([header, data]))
}
