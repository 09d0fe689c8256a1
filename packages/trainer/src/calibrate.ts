import { imageTensor, tensor, type Tensor } from '@cflow/base'
import { detectorNames, evidenceModel, writeDetector, type Head, type Manifest } from '@cflow/core'
import type { EncoderModel } from '@cflow/encoders'
import { input, writeOnnx } from '@cflow/graph'
import type { Runtime } from '@cflow/runtimes'
import { calibrationOf, type CalibrationSource, type ManifestDraft } from './manifest.js'

/** What was found in images: the shape for one image, and the numbers image by image. */
interface Found {
  readonly shape: readonly number[]
  readonly images: Float32Array[]
}

/** The first step of a head on normal images. @param pixels resized, uint8 [S, S, 3], one image after the other */
async function evidenceOf(
  runtime: Runtime,
  { encoder, inputSize: size }: EncoderModel,
  head: Head,
  pixels: AsyncIterable<Uint8Array>,
  onImage: (done: number) => void,
): Promise<Map<string, Found>> {
  const session = await runtime.createSession(evidenceModel(encoder, head, size))
  const found = new Map<string, Found>()
  let done = 0
  for await (const data of pixels) {
    const image = imageTensor({ width: size, height: size, data })
    const got = await session.run({ [detectorNames.image]: image })
    for (const [name, { shape, data }] of Object.entries(
      got as Record<string, Tensor<'float32'>>,
    )) {
      const known = found.get(name) ?? { shape, images: [] }
      found.set(name, known)
      known.images.push(data)
    }
    onImage(++done)
  }
  await session.release()
  return found
}

/** Scores of images, by the second step of a head. */
async function scoresOf(
  runtime: Runtime,
  head: Head,
  found: ReadonlyMap<string, Found>,
  size: number,
  statistics: Manifest['scales'],
): Promise<number[]> {
  // an input must not have the name of the output
  const given = (name: string) => `given.${name}`
  const evidence = [...found].map(
    ([name, { shape }]) => [name, input(given(name), 'float32', shape)] as const,
  )
  const { score } = head.verdict(Object.fromEntries(evidence), size, statistics)
  const session = await runtime.createSession(writeOnnx({ [detectorNames.score]: score }))
  const scores: number[] = []
  for (const i of [...found.values()][0]?.images.keys() ?? []) {
    const feeds = [...found].flatMap(([name, { shape, images }]) =>
      session.inputs.includes(given(name))
        ? [[given(name), tensor('float32', shape, images[i] as Float32Array)] as const]
        : [],
    )
    const got = await session.run(Object.fromEntries(feeds))
    scores.push(got[detectorNames.score]?.data[0] as number)
  }
  await session.release()
  return scores
}

/**
 * The detector file with its thresholds: what a head finds in the calibration images, its statistics (DESIGN, Score), the
 * scores that follow from both, then the file.
 * @param pixels of the calibration images, resized
 */
export async function calibratedDetector(
  runtime: Runtime,
  model: EncoderModel,
  head: Head,
  draft: ManifestDraft,
  source: CalibrationSource,
  pixels: AsyncIterable<Uint8Array>,
  onImage: (done: number) => void,
): Promise<{ readonly model: Uint8Array; readonly manifest: Manifest }> {
  const found = await evidenceOf(runtime, model, head, pixels, onImage)
  const images = Object.fromEntries([...found].map(([name, { images }]) => [name, images]))
  const scales = [...(head.statistics?.(images) ?? [])]
  const scores = await scoresOf(runtime, head, found, model.inputSize, scales)
  const manifest: Manifest = { ...draft, scales, calibration: calibrationOf(scores, source) }
  return { model: writeDetector(model.encoder, head, manifest), manifest }
}
