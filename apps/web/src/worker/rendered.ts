import type { RgbImage } from '@cflow/base'
import { syntheticDataset } from '@cflow/datasets'
import type { Sample, SyntheticKind } from '@cflow/datasets'

/** An image that was made here: a PNG, and what is in it. */
export interface RenderedImage {
  readonly name: string
  readonly blob: Blob
  /** `good`, or the type of defect. */
  readonly truth: string
}

/** The built-in images of a kind, without loss: good ones to train on, others (a third of them good) to try. */
export async function rendered(
  kind: SyntheticKind,
  train: number,
  test: number,
  onImage: (done: number) => void,
): Promise<{ readonly train: RenderedImage[]; readonly test: RenderedImage[] }> {
  const dataset = syntheticDataset({ kind, train, test, seed: 1 })
  let done = 0
  const make = async (samples: readonly Sample[]) => {
    const images: RenderedImage[] = []
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
