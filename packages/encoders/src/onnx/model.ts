import { CflowError, messageOf } from '@cflow/base'
import {
  readOnnx,
  shapeText,
  transpose,
  unknownRank,
  type OnnxModel,
  type Value,
} from '@cflow/graph'

/** How an ONNX model takes its image. */
export interface ImageInput {
  readonly name: string
  /** Whether channels come last, [N, H, W, 3], as in models from TensorFlow. */
  readonly channelsLast: boolean
  /** Height and width, where the file fixes them. */
  readonly size: number | undefined
  /** Number of images, where the file fixes it. */
  readonly batch: number | undefined
}

/**
 * The image input of an ONNX model.
 * @throws CflowError MODEL when the file is no ONNX model, keeps its weights in another file, or takes something else
 */
export function imageInputOf(bytes: Uint8Array): ImageInput {
  const { inputs } = read(bytes)
  const names = Object.keys(inputs)
  const [name] = names
  if (name === undefined) throw new CflowError('MODEL', 'the model takes no input')
  if (names.length > 1)
    throw new CflowError(
      'MODEL',
      `the model takes ${names.length} inputs (${some(names)}), an encoder takes one image`,
    )
  const refused = (what: string, hint: string) =>
    new CflowError('MODEL', `the model${what}`, { subject: name, hint })
  const { dtype, shape } = inputs[name] as Value
  if (dtype !== 'float32')
    throw refused(
      `'s input ${name} is ${dtype}, an encoder's is float32`,
      'export the model in float32, without its preprocessing',
    )
  if (shape === unknownRank) return { name, channelsLast: false, size: undefined, batch: undefined }
  const channelsLast = shape[1] !== 3 && shape[3] === 3
  const [channels, height, width] = channelsLast
    ? [shape[3], shape[1], shape[2]]
    : [shape[1], shape[2], shape[3]]
  if (shape.length !== 4 || (typeof channels === 'number' && channels !== 3))
    throw refused(
      `'s input ${name} is ${shapeText(shape)}, no image`,
      'an encoder takes images [N, 3, H, W]',
    )
  const sizes = [height, width].filter((d) => typeof d === 'number')
  if (sizes.length === 2 && sizes[0] !== sizes[1])
    throw refused(
      ` takes images of ${sizes[1]}×${sizes[0]} pixels only`,
      'an encoder takes square images; export it with dynamic height and width',
    )
  const [batch] = shape
  return {
    name,
    channelsLast,
    size: sizes[0],
    batch: typeof batch === 'number' ? batch : undefined,
  }
}

/** The model with an image in the place of its input. @param image float32 [N, 3, S, S] */
export function joined(bytes: Uint8Array, input: ImageInput, image: Value): OnnxModel {
  const fed = input.channelsLast ? transpose(image, [0, 2, 3, 1]) : image
  return read(bytes, { [input.name]: fed })
}

function read(bytes: Uint8Array, feeds: Readonly<Record<string, Value>> = {}): OnnxModel {
  try {
    return readOnnx(bytes, feeds)
  } catch (error) {
    if (error instanceof CflowError && error.code === 'MODEL') throw error
    throw new CflowError('MODEL', `the ONNX model is damaged: ${messageOf(error)}`, {
      cause: error,
    })
  }
}

/** At most three names. */
const some = (names: readonly string[]): string =>
  `${names.slice(0, 3).join(', ')}${names.length > 3 ? ' …' : ''}`
