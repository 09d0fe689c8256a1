import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Tensor } from '@cflow/base'
import { readPth } from '@cflow/weights'
import { describe, expect, it } from 'vitest'
import { runEncoder } from '../../test/golden.js'
import { encoderSpec } from '../index.js'

/** Folder that `benchmarks/peers/torchvision_taps.py` wrote; its files are too large for the repository. */
const folder = process.env['CFLOW_TORCHVISION_TAPS']
const names = ['resnet18', 'wide_resnet50_2'].filter(
  (name) => folder !== undefined && existsSync(join(folder, `${name}_taps.pth`)),
)
if (names.length === 0)
  console.info(
    'skipped: taps against torchvision (set CFLOW_TORCHVISION_TAPS, see benchmarks/peers)',
  )

const read = (file: string) => readPth(readFileSync(join(folder as string, file)))

/** ‖a − b‖ / ‖b‖, and the largest difference over the root mean square of b. */
function differences(a: Tensor<'float32'>, b: Tensor<'float32'>): { norm: number; worst: number } {
  let [difference, size, worst] = [0, 0, 0]
  a.data.forEach((x, i) => {
    const d = x - b.data[i]!
    difference += d * d
    size += b.data[i]! ** 2
    worst = Math.max(worst, Math.abs(d))
  })
  return {
    norm: Math.sqrt(difference / size),
    worst: worst / Math.sqrt(size / a.data.length),
  }
}

describe.skipIf(names.length === 0)('state dicts that PyTorch wrote', () => {
  it.each(
    names.flatMap((name) =>
      ['zip', 'legacy'].flatMap((format) =>
        (['zeros', 'reflect'] as const).map((padding) => ({ name, format, padding })),
      ),
    ),
  )("$name ($format) with $padding has torchvision's taps", async ({ name, format, padding }) => {
    const spec = encoderSpec(name, { padding })
    const expected = read(`${name}_taps.pth`)
    const image = expected.get('image') as Tensor<'float32'>
    const maps = await runEncoder(spec, read(`${name}_${format}.pth`), image)
    for (const [i, tap] of spec.taps.entries()) {
      const wanted = expected.get(`${padding}.${tap.name}`) as Tensor<'float32'>
      expect(maps[i]!.shape).toEqual(wanted.shape)
      const { norm, worst } = differences(maps[i]!, wanted)
      console.info(
        `${name} ${format} ${padding} ${tap.name}: ${norm.toExponential(1)}, worst ${worst.toExponential(1)}`,
      )
      expect(norm).toBeLessThan(1e-4)
      expect(worst).toBeLessThan(1e-4)
    }
  })
})
