import { CflowError, type RgbImage } from '@cflow/base'

/** Decoded pixels that wait for others of their size; the waiting groups run when there are more. */
const maxPixels = 16_000_000

/**
 * Images one after the other into groups of one size, and the groups through `score`; results in the images' order.
 * Only so many decoded images are held as wait for their group to fill.
 * @throws CflowError USAGE when the batch size is not a positive integer
 */
export async function inBatches<Image, Result>(
  images: readonly Image[],
  decode: (image: Image, i: number) => Promise<RgbImage>,
  score: (group: readonly RgbImage[]) => Promise<readonly Result[]>,
  batchSize = 8,
): Promise<readonly Result[]> {
  if (!(Number.isInteger(batchSize) && batchSize > 0))
    throw new CflowError('USAGE', `batchSize is a positive integer, got ${batchSize}`, {
      subject: 'batchSize',
    })
  const results: Result[] = []
  const waiting = new Map<string, { image: RgbImage; i: number }[]>()
  let pixels = 0

  const flush = async (...sizes: string[]): Promise<void> => {
    for (const size of sizes) {
      const group = waiting.get(size) ?? []
      waiting.delete(size)
      const scored = await score(group.map(({ image }) => image))
      group.forEach(({ image, i }, k) => {
        pixels -= image.width * image.height
        results[i] = scored[k] as Result
      })
    }
  }

  for (const [i, source] of images.entries()) {
    const image = await decode(source, i)
    const size = `${image.width}×${image.height}`
    const group = waiting.get(size) ?? []
    waiting.set(size, group)
    pixels += image.width * image.height
    if (group.push({ image, i }) === batchSize) await flush(size)
    else if (pixels > maxPixels) await flush(...waiting.keys())
  }
  await flush(...waiting.keys())
  return results
}
