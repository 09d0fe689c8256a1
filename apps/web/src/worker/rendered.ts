import type { RgbImage } from '@cflow/base'
import { syntheticDataset, type Sample, type SyntheticKind } from '@cflow/datasets'
import type { NewItem } from '../detect/item.js'

/** The built-in images of a kind as PNG files: good ones to train on, others (a third of them good) to try. */
export async function rendered(
  kind: SyntheticKind,
  train: number,
  test: number,
  onImage: (done: number) => void,
) {
  const dataset = syntheticDataset({ kind, train, test, seed: 1 })
  let done = 0
  const make = async (samples: readonly Sample[]) => {
    const images: NewItem[] = []
    for (const sample of samples) {
      const blob = await pngOf(await sample.load())
      const name = sample.id.slice(sample.id.indexOf('/') + 1).replaceAll(/[/_]/g, ' ')
      images.push({ name, blob, truth: sample.defect })
      onImage(++done)
    }
    return images
  }
  return { train: await make(dataset.train), test: await make(dataset.test) }
}

function pngOf({ width, height, data }: RgbImage): Promise<Blob> {
  const canvas = new OffscreenCanvas(width, height)
  const pixels = new ImageData(width, height)
  for (let i = 0; i < width * height; i++) {
    pixels.data.set(data.subarray(3 * i, 3 * i + 3), 4 * i)
    pixels.data[4 * i + 3] = 255
  }
  canvas.getContext('2d')!.putImageData(pixels, 0, 0)
  return canvas.convertToBlob({ type: 'image/png' })
}
