import type { RgbImage } from '@cflow/base'
import type { Manifest } from '@cflow/core'
import { resizeLanczos } from '@cflow/datasets'
import type { Sample } from '@cflow/datasets'
import type { Runtime } from '@cflow/runtimes'
import { results } from '../evaluate.js'
import type { Scorer } from '../scorer.js'
import type { ReportExample } from '../report/input.js'
import type { Choice } from './choose-examples.js'

/** Images, maps and masks of the chosen samples, S×S: maps are not kept during an evaluation, so they run again. */
export async function loadExamples(options: {
  readonly model: Uint8Array | Scorer
  readonly manifest: Manifest
  readonly samples: readonly Sample[]
  readonly choices: readonly Choice[]
  readonly runtime: Runtime
}): Promise<readonly ReportExample[]> {
  const { choices, manifest } = options
  if (choices.length === 0) return []
  const size = manifest.inputSize
  const pictures = new Map<string, RgbImage>()
  const samples = choices.map(({ index }): Sample => {
    const sample = options.samples[index]!
    const load = async () => {
      const image = await sample.load()
      pictures.set(sample.id, resizeLanczos(image, size, size))
      return image
    }
    return { ...sample, load }
  })
  const examples: ReportExample[] = []
  for await (const { result } of results({ ...options, samples })) {
    const { mask, ...rest } = result
    examples.push({
      ...rest,
      group: choices[examples.length]!.group,
      image: pictures.get(result.id)!,
      ...(mask && { truth: { width: size, height: size, data: mask } }),
    })
  }
  return examples
}
