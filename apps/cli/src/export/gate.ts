import type { Sample } from '@cflow/datasets'
import { accuracyVerdict } from '@cflow/quantization'
import type { Accuracy, Gate } from '@cflow/quantization'
import type { Runtime } from '@cflow/runtimes'
import { evaluate } from '@cflow/trainer'

/**
 * The gate over labelled images: AUROC of images and pixels against those of the float detector.
 * @returns undefined when the images are not of both kinds, so that there is no AUROC
 */
export function labelledGate(
  float: { readonly model: Uint8Array },
  samples: readonly Sample[],
  runtime: Runtime,
): Gate | undefined {
  const kinds = new Set(samples.map((s) => s.label))
  if (!kinds.has('good') || !kinds.has('anomalous')) return undefined
  const accuracyOf = async (model: Uint8Array): Promise<Accuracy> => {
    const { evaluation } = await evaluate({ model, samples, runtime })
    return { image: evaluation.image.auroc, pixel: evaluation.pixel?.auroc }
  }
  let before: Promise<Accuracy> | undefined
  return async (model) =>
    accuracyVerdict(await (before ??= accuracyOf(float.model)), await accuracyOf(model))
}
