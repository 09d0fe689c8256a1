import { CflowError, didYouMean } from '@cflow/base'
import { efficientNetLites } from './models/efficientnet-lite.js'
import { mobileNets } from './models/mobilenet-v3.js'
import { resNets } from './models/resnet.js'
import type { EncoderOptions, EncoderSpec, NamedEncoder } from './spec.js'

/** Every encoder of this package; the first is the default. */
const encoders: readonly NamedEncoder[] = [...efficientNetLites, ...resNets, ...mobileNets]

/** Names of the encoders that `encoderSpec` knows; the first is the default, whose weights are in this package. */
export const encoderNames: readonly string[] = encoders.map((e) => e.name)

/**
 * The encoder of that name. Underscores and capitals are understood (`wide_resnet50_2`).
 * @throws CflowError NOT_FOUND that lists the names, USAGE for a padding that the encoder does not have
 */
export function encoderSpec(name: string, options: EncoderOptions = {}): EncoderSpec {
  const wanted = name.toLowerCase().replaceAll('_', '-')
  const spec = encoders.find((e) => e.name === wanted)?.spec(options)
  if (!spec)
    throw new CflowError('NOT_FOUND', `there is no encoder called ${name}`, {
      subject: name,
      hint: `${didYouMean(name, encoderNames)}use one of ${encoderNames.join(', ')}`,
    })
  if (options.padding !== undefined && options.padding !== spec.padding)
    throw new CflowError('USAGE', `${wanted} cannot be padded with ${options.padding}`, {
      subject: 'padding',
      hint: 'leave the padding out; only the ResNets have a choice',
    })
  return spec
}
