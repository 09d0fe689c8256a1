import { CflowError, tensor } from '@cflow/base'
import type { RgbImage, Tensor } from '@cflow/base'
import { detectorNames } from '@cflow/core'
import type { Tensors } from '@cflow/runtimes'
import { contributionsAt } from './contributions.js'
import type { ScaleMap } from './contributions.js'
import type { Detection } from './detection.js'
import type { Model } from './model.js'
import { verdict } from './verdict.js'
import type { Operating } from './verdict.js'

/**
 * Run the model once on images of one size.
 * @throws CflowError RUNTIME when the runtime fails or gives scores that are not finite, MODEL when the file's outputs
 *   do not have the documented shapes
 */
export async function scoreImages(
  model: Model,
  images: readonly RgbImage[],
  operating: Operating,
): Promise<readonly Detection[]> {
  const { width, height } = images[0] as RgbImage
  const feed = tensor('uint8', [images.length, height, width, 3], joined(images))
  const start = performance.now()
  const outputs = await model.session.run({ [detectorNames.image]: feed })
  const milliseconds = (performance.now() - start) / images.length
  return images.map((_, i) =>
    detectionOf(model, outputs, i, images.length, operating, milliseconds),
  )
}

function joined(images: readonly RgbImage[]): Uint8Array {
  const [first] = images as readonly [RgbImage]
  if (images.length === 1) return first.data
  const size = first.data.length
  const data = new Uint8Array(size * images.length)
  images.forEach((image, i) => data.set(image.data, i * size))
  return data
}

function detectionOf(
  { manifest, scales }: Model,
  outputs: Tensors,
  i: number,
  n: number,
  operating: Operating,
  milliseconds: number,
): Detection {
  const size = manifest.inputSize
  const [score] = floatsOf(outputs, detectorNames.score, [n], i) as unknown as [number]
  const map = floatsOf(outputs, detectorNames.anomalyMap, [n, size, size], i)
  if (!Number.isFinite(score) || !map.every(Number.isFinite))
    throw new CflowError('RUNTIME', 'the model gave scores that are not finite', {
      subject: detectorNames.score,
      hint: 'the detector file is damaged, or the device computes it wrongly: try another device',
    })
  const maps = scales.map((name): ScaleMap => {
    const [, h, w] = (outputs[name]?.shape ?? []) as [number, number, number]
    return { height: h, width: w, data: floatsOf(outputs, name, [n, h, w], i) }
  })
  return {
    ...verdict(manifest, score, operating),
    anomalyMap: { width: size, height: size, data: map },
    contributions: contributionsAt(manifest, maps, argmax(map)),
    milliseconds,
  }
}

function argmax(data: Float32Array): number {
  return data.reduce((best, v, i) => (v > (data[best] as number) ? i : best), 0)
}

/** Image i of a float32 output with N first; a copy. */
function floatsOf(
  outputs: Tensors,
  name: string,
  shape: readonly number[],
  i: number,
): Float32Array {
  const t: Tensor | undefined = outputs[name]
  if (t?.dtype !== 'float32' || t.shape.join() !== shape.join())
    throw new CflowError(
      'MODEL',
      `output ${name} should be float32 [${shape.join(', ')}], is ${t?.dtype} [${t?.shape.join(', ')}]`,
      { subject: name },
    )
  const step = t.data.length / (shape[0] as number)
  return (t.data as Float32Array).slice(i * step, (i + 1) * step)
}
