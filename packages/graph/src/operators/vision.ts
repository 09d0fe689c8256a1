import { CflowError, floats } from '@cflow/base'
import { apply, attribute, intAttribute, intsAttribute, stringAttribute } from '../operator.js'
import type { Operator } from '../operator.js'
import { constant, constantOf, integersOf, shapeText } from '../value.js'
import type { Attribute, Attributes, Dim, Value } from '../value.js'

/** Sizes of the spatial axes after a window slides over them. */
function spatial(x: Value, kernel: readonly number[], attributes: Attributes): Dim[] {
  const n = kernel.length
  const each = (name: string, length: number, value: number) =>
    intsAttribute(
      attributes,
      name,
      Array.from({ length }, () => value),
    )
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
  infer: (inputs, attributes) => {
    const [x, w] = inputs as readonly [Value, Value]
    const group = intAttribute(attributes, 'group', 1)
    const channels = w.shape[1]
    if (
      typeof channels === 'number' &&
      typeof x.shape[1] === 'number' &&
      channels * group !== x.shape[1]
    )
      throw new CflowError(
        'SHAPE',
        `a convolution with weights ${shapeText(w.shape)} in ${group} group(s) does not fit an input ${shapeText(x.shape)}`,
      )
    const kernel = w.shape.slice(2) as number[]
    return [
      {
        dtype: x.dtype,
        shape: [x.shape[0] as Dim, w.shape[0] as Dim, ...spatial(x, kernel, attributes)],
      },
    ]
  },
}

function pooling(type: string): Operator {
  return {
    type,
    infer: (inputs, attributes) => {
      const x = inputs[0] as Value
      const kernel = intsAttribute(attributes, 'kernel_shape', [])
      return [
        {
          dtype: x.dtype,
          shape: [x.shape[0] as Dim, x.shape[1] as Dim, ...spatial(x, kernel, attributes)],
        },
      ]
    },
  }
}
export const MaxPool = pooling('MaxPool')
export const AveragePool = pooling('AveragePool')

export const GlobalAveragePool: Operator = {
  type: 'GlobalAveragePool',
  infer: (inputs) => {
    const x = inputs[0] as Value
    return [{ dtype: x.dtype, shape: x.shape.map((d, i) => (i < 2 ? d : 1)) }]
  },
}

export const Resize: Operator = {
  type: 'Resize',
  infer: (inputs) => {
    const x = inputs[0] as Value
    const sizes = inputs[3]
    const scales = inputs[2]
    if (sizes?.node.kind === 'constant')
      return [
        {
          dtype: x.dtype,
          shape: integersOf(sizes, 'sizes').map((d, i) => (x.shape[i] === d ? x.shape[i] : d)),
        },
      ]
    if (scales?.node.kind === 'constant') {
      const s = Array.from(constantOf(scales, 'scales').data as Float32Array)
      return [
        {
          dtype: x.dtype,
          shape: x.shape.map((d, i) =>
            s[i] === 1 ? d : typeof d === 'number' ? Math.floor(d * (s[i] as number)) : null,
          ),
        },
      ]
    }
    return [{ dtype: x.dtype, shape: x.shape.map(() => null) }]
  },
}

export interface ConvOptions {
  readonly bias?: Value
  readonly strides?: readonly [number, number]
  /** [top, left, bottom, right] */
  readonly pads?: readonly [number, number, number, number]
  readonly group?: number
  readonly dilations?: readonly [number, number]
}

export function conv(x: Value, weight: Value, options: ConvOptions = {}): Value {
  const attributes: Record<string, Attribute> = {
    kernel_shape: attribute.ints(weight.shape.slice(2) as number[]),
  }
  if (options.strides) attributes['strides'] = attribute.ints(options.strides)
  if (options.pads) attributes['pads'] = attribute.ints(options.pads)
  if (options.group) attributes['group'] = attribute.int(options.group)
  if (options.dilations) attributes['dilations'] = attribute.ints(options.dilations)
  return apply(Conv, options.bias ? [x, weight, options.bias] : [x, weight], attributes)
}

export function maxPool(
  x: Value,
  kernel: readonly [number, number],
  strides: readonly [number, number],
  pads: readonly [number, number, number, number],
): Value {
  return apply(MaxPool, [x], {
    kernel_shape: attribute.ints(kernel),
    strides: attribute.ints(strides),
    pads: attribute.ints(pads),
  })
}

export const globalAveragePool = (x: Value): Value => apply(GlobalAveragePool, [x])

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
    throw new CflowError('SHAPE', 'bilinear upsampling needs maps of known size')
  return apply(
    Resize,
    [
      x,
      undefined,
      constant(floats('float32', [4], [1, 1, factorTo(h, height), factorTo(w, width)])),
    ],
    {
      mode: attribute.string('linear'),
      coordinate_transformation_mode: attribute.string(
        corners === 'aligned' ? 'align_corners' : 'half_pixel',
      ),
    },
  )
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
export function resizeNearest(x: Value, factorY: number, factorX: number): Value {
  return apply(Resize, [x, undefined, constant(floats('float32', [4], [1, 1, factorY, factorX]))], {
    mode: attribute.string('nearest'),
    coordinate_transformation_mode: attribute.string('asymmetric'),
    nearest_mode: attribute.string('floor'),
  })
}
