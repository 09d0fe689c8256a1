import { floats } from '@cflow/base'
import {
  apply,
  attribute,
  infers,
  intAttribute,
  intsAttribute,
  stringAttribute,
} from '../operator.js'
import {
  constant,
  constantOf,
  integersOf,
  shapeError,
  shapeText,
  type Attributes,
  type Dim,
  type Operator,
  type Shape,
  type Value,
} from '../value.js'

/** Sizes of the spatial axes after a window slides over them. */
function spatial(x: Value, kernel: readonly number[], attributes: Attributes): Dim[] {
  const n = kernel.length
  const each = (name: string, length: number, value: number) =>
    intsAttribute(attributes, name, new Array<number>(length).fill(value))
  const strides = each('strides', n, 1)
  const pads = each('pads', 2 * n, 0)
  const dilations = each('dilations', n, 1)
  const auto = stringAttribute(attributes, 'auto_pad', 'NOTSET')
  const ceil = intAttribute(attributes, 'ceil_mode', 0) === 1
  return kernel.map((k, i) => {
    const size = x.shape[2 + i]
    if (typeof size !== 'number') return null
    const stride = strides[i] as number
    if (auto.startsWith('SAME')) return Math.ceil(size / stride)
    const padding = auto === 'VALID' ? 0 : (pads[i] as number) + (pads[n + i] as number)
    const steps = (size + padding - (dilations[i] as number) * (k - 1) - 1) / stride
    // runtimes differ in whether a last window that lies in the padding counts
    return ceil && !Number.isInteger(steps) ? null : Math.floor(steps) + 1
  })
}

/** Convolution of [N, C, H, W] with [M, C/groups, kH, kW]. For inference: encoders are frozen (section 4.1). */
export const Conv: Operator = {
  type: 'Conv',
  infer: infers((x, inputs, attributes) => {
    const { shape } = inputs[1] as Value
    const group = intAttribute(attributes, 'group', 1)
    const [images, channels] = x.shape as readonly [Dim, Dim]
    const [outputs, each, ...kernel] = shape as readonly [Dim, Dim, ...number[]]
    if (typeof each === 'number' && typeof channels === 'number' && each * group !== channels)
      throw shapeError(
        `a convolution with weights ${shapeText(shape)} in ${group} group(s) does not fit an input ${shapeText(x.shape)}`,
      )
    return [images, outputs, ...spatial(x, kernel, attributes)]
  }),
}

const pooling = (type: string): Operator => ({
  type,
  infer: infers((x, _, attributes) => [
    ...x.shape.slice(0, 2),
    ...spatial(x, intsAttribute(attributes, 'kernel_shape', []), attributes),
  ]),
})
export const MaxPool = pooling('MaxPool')
export const AveragePool = pooling('AveragePool')

export const GlobalAveragePool: Operator = {
  type: 'GlobalAveragePool',
  infer: infers((x) => x.shape.map((d, i) => (i < 2 ? d : 1))),
}

export const Resize: Operator = {
  type: 'Resize',
  infer: infers((x, [, , scales, sizes], attributes): Shape => {
    if (attributes['axes'] ?? attributes['keep_aspect_ratio_policy'])
      throw shapeError('the size of Resize is known without axes and policy only')
    if (sizes?.node.kind === 'constant') return integersOf(sizes, 'sizes')
    if (scales?.node.kind !== 'constant') return x.shape.map(() => null)
    const factors = constantOf(scales, 'scales').data as Float32Array
    return x.shape.map((d, i) => {
      const factor = factors[i] as number
      if (factor === 1) return d
      return typeof d === 'number' ? Math.floor(d * factor) : null
    })
  }),
}

type Pair = readonly [number, number]
/** Rows and columns that are added around an image. */
type Pads = readonly [top: number, left: number, bottom: number, right: number]

export interface ConvOptions {
  readonly bias?: Value
  readonly strides?: Pair
  readonly pads?: Pads
  readonly group?: number
  readonly dilations?: Pair
}

export function conv(x: Value, weight: Value, options: ConvOptions = {}): Value {
  const { bias, strides, pads, group, dilations } = options
  return apply(Conv, bias ? [x, weight, bias] : [x, weight], {
    kernel_shape: attribute.ints(weight.shape.slice(2) as number[]),
    ...(strides && { strides: attribute.ints(strides) }),
    ...(pads && { pads: attribute.ints(pads) }),
    ...(group && { group: attribute.int(group) }),
    ...(dilations && { dilations: attribute.ints(dilations) }),
  })
}

export function maxPool(x: Value, kernel: Pair, strides: Pair, pads: Pads): Value {
  return apply(MaxPool, [x], {
    kernel_shape: attribute.ints(kernel),
    strides: attribute.ints(strides),
    pads: attribute.ints(pads),
  })
}

/** Mean over windows, one at every position: of the same size as the map, zeros around it counted in. @param size odd */
export const averagePool = (x: Value, size: number): Value =>
  apply(AveragePool, [x], {
    kernel_shape: attribute.ints([size, size]),
    pads: attribute.ints(new Array<number>(4).fill((size - 1) / 2)),
    count_include_pad: attribute.int(1),
  })

export const globalAveragePool = (x: Value): Value => apply(GlobalAveragePool, [x])

/** @param modes attributes of Resize that are text */
function resize(
  x: Value,
  factorY: number,
  factorX: number,
  modes: Readonly<Record<string, string>>,
): Value {
  const factors = constant(floats('float32', [4], [1, 1, factorY, factorX]))
  const attributes = Object.entries(modes).map(([k, text]) => [k, attribute.string(text)] as const)
  return apply(Resize, [x, undefined, factors], Object.fromEntries(attributes))
}

/**
 * Bilinear interpolation of [N, C, h, w] by fixed factors (h·fy, w·fx); N may be dynamic.
 * @param corners `aligned`: the corners' centres meet (PyTorch's align_corners=True); `half`: the images' borders do
 */
export function resizeBilinear(
  x: Value,
  height: number,
  width: number,
  corners: 'aligned' | 'half' = 'aligned',
): Value {
  const [h, w] = [x.shape[2], x.shape[3]]
  if (typeof h !== 'number' || typeof w !== 'number')
    throw shapeError('bilinear upsampling needs maps of known size')
  return resize(x, factorTo(h, height), factorTo(w, width), {
    mode: 'linear',
    coordinate_transformation_mode: corners === 'aligned' ? 'align_corners' : 'half_pixel',
  })
}

/**
 * A float32 factor by which `from` samples become exactly `to`: runtimes round the product down. With aligned corners
 * the positions of the samples follow from the two sizes, not from the factor.
 */
function factorTo(from: number, to: number): number {
  const factor = Math.fround(to / from)
  const exact = [factor * from, Math.fround(factor * from)].every((n) => Math.floor(n) === to)
  return exact ? factor : (to + 0.5) / from
}

/** Nearest-neighbour upsampling by whole factors. */
export const resizeNearest = (x: Value, factorY: number, factorX: number): Value =>
  resize(x, factorY, factorX, {
    mode: 'nearest',
    coordinate_transformation_mode: 'asymmetric',
    nearest_mode: 'floor',
  })
