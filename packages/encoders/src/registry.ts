import { CflowError } from '@cflow/base'
import { efficientNetLite } from './models/efficientnet-lite.js'
import { mobileNetV3 } from './models/mobilenet-v3.js'
import { resNet } from './models/resnet.js'
import type { ResNetShape } from './models/resnet.js'
import { published } from './published.js'
import type { EncoderSpec } from './spec.js'

export interface EncoderOptions {
  /** Border of a ResNet's padded convolutions; the paper's code reflects, which is the default. */
  readonly padding?: 'reflect' | 'zeros'
}

type Maker = (name: string, options: EncoderOptions) => EncoderSpec

const lite =
  (width: number, depth: number): Maker =>
  (name) =>
    efficientNetLite(name, { width, depth }, published[name])

const residual =
  (shape: ResNetShape): Maker =>
  (name, { padding = 'reflect' }) =>
    resNet(name, shape, padding, published[name])

const makers: Readonly<Record<string, Maker>> = {
  'efficientnet-lite0': lite(1, 1),
  'efficientnet-lite1': lite(1, 1.1),
  'efficientnet-lite2': lite(1.1, 1.2),
  resnet18: residual({ block: 'basic', depths: [2, 2, 2, 2] }),
  resnet34: residual({ block: 'basic', depths: [3, 4, 6, 3] }),
  resnet50: residual({ block: 'bottleneck', depths: [3, 4, 6, 3] }),
  'wide-resnet50-2': residual({ block: 'bottleneck', depths: [3, 4, 6, 3], widening: 2 }),
  'mobilenet-v3-large': (name) => mobileNetV3(name, 'large', published[name]),
  'mobilenet-v3-small': (name) => mobileNetV3(name, 'small', published[name]),
}

/** Names of the encoders that `encoderSpec` knows; the first is the default, whose weights are in this package. */
export const encoderNames: readonly string[] = Object.keys(makers)

/**
 * The encoder of that name. Underscores and capitals are understood (`wide_resnet50_2`).
 * @throws CflowError NOT_FOUND that lists the names, USAGE for a padding that the encoder does not have
 */
export function encoderSpec(name: string, options: EncoderOptions = {}): EncoderSpec {
  const wanted = name.toLowerCase().replaceAll('_', '-')
  const maker = Object.hasOwn(makers, wanted) ? makers[wanted] : undefined
  if (!maker)
    throw new CflowError('NOT_FOUND', `there is no encoder called ${name}`, {
      subject: name,
      hint: `use one of ${encoderNames.join(', ')}`,
    })
  const spec = maker(wanted, options)
  if (options.padding !== undefined && options.padding !== spec.padding)
    throw new CflowError('USAGE', `${wanted} cannot be padded with ${options.padding}`, {
      subject: 'padding',
      hint: 'leave the padding out; only the ResNets have a choice',
    })
  return spec
}
