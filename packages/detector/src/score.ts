import { CflowError, imageTensor, sizeOf, type RgbImage } from '@cflow/base'
import { detectorNames, type Manifest } from '@cflow/core'
import type { Session } from '@cflow/runtimes'
import { contributionsAt, scaleMapsOf } from './contributions.js'
import { verdict, type DetectionOf, type Parts, type RatedThreshold } from './detection.js'
import { scaleOutputs } from './model.js'

/**
 * Run the model once on images of one size.
 * @throws CflowError RUNTIME when the runtime fails or gives scores that are not finite, MODEL when the file's outputs
 *   do not have the documented shapes
 */
export async function scoreImages<P extends Parts>(
  session: Session,
  manifest: Manifest,
  images: readonly RgbImage[],
  threshold: RatedThreshold,
  {
    map: wantsMap = true,
    contributions: wantsContributions = true,
    likelihoods: wantsLikelihoods = false,
    scaleMaps: wantsScaleMaps = false,
  }: Parts = {},
): Promise<readonly DetectionOf<P>[]> {
  const [n, size] = [images.length, manifest.inputSize]
  const wantsScales = wantsContributions || wantsLikelihoods || wantsScaleMaps
  const scales = wantsScales ? scaleOutputs(manifest) : []
  const maps = wantsMap || wantsContributions ? [detectorNames.anomalyMap] : []
  const feeds = { [detectorNames.image]: imageTensor(...images) }
  const start = performance.now()
  const outputs = await session.run(feeds, [detectorNames.score, ...maps, ...scales])
  const milliseconds = (performance.now() - start) / n

  const detections = images.map((image, i): DetectionOf<Parts> => {
    /** This image's part of a float32 output with N first; no copy. */
    const floatsOf = (name: string, ...shape: number[]): Float32Array => {
      const t = outputs[name]
      const expected = `float32 [${[n, ...shape].join(', ')}]`
      const found = `${t?.dtype} [${t?.shape.join(', ')}]`
      const length = sizeOf(shape)
      if (found === expected)
        return (t!.data as Float32Array).subarray(i * length, (i + 1) * length)
      const message = `output ${name} should be ${expected}, is ${found}`
      throw new CflowError('MODEL', message, { subject: name })
    }

    const score = floatsOf(detectorNames.score)[0] as number
    const [map] = maps.map((name) => floatsOf(name, size, size))
    if (!Number.isFinite(score) || map?.every(Number.isFinite) === false)
      throw new CflowError('RUNTIME', 'the model gave scores that are not finite', {
        subject: detectorNames.score,
        hint: 'the detector file is damaged, or the device computes it wrongly: try another device',
      })
    const likelihoods = scales.map((name) => {
      const [, height = 0, width = 0] = outputs[name]?.shape ?? []
      return { height, width, data: floatsOf(name, height, width) }
    })
    const detection = {
      ...{ ...verdict(manifest, score, threshold), milliseconds },
      ...(wantsLikelihoods && { likelihoods: likelihoods.map(({ data }) => mean(data)) }),
      ...(wantsScaleMaps && { scaleMaps: scaleMapsOf(manifest, likelihoods, image) }),
    }
    if (!map) return detection
    // of a batch a copy, so that a map does not keep the others in memory
    const copy = () => (n === 1 ? map : map.slice())
    return {
      ...detection,
      ...(wantsMap && { anomalyMap: { width: size, height: size, data: copy() } }),
      ...(wantsContributions && {
        contributions: contributionsAt(manifest, likelihoods, argmax(map), image),
      }),
    }
  })
  return detections as readonly object[] as readonly DetectionOf<P>[]
}

function mean(data: Float32Array): number {
  let sum = 0
  for (let i = 0; i < data.length; i++) sum += data[i]!
  return sum / data.length
}

const argmax = (data: Float32Array): number =>
  data.reduce((best, v, i) => (v > (data[best] as number) ? i : best), 0)
