import {
  CflowError,
  allocate,
  halfToNumber,
  sizeOf,
  type DType,
  type Tensor as OurTensor,
} from '@cflow/base'
import type * as tfjs from '@tensorflow/tfjs-core'

export type Tf = typeof tfjs
export type Tensor = tfjs.Tensor
type Numbers = ArrayLike<number>

/** The library, and the backend of it that all of a session runs on. */
export interface Engine {
  readonly tf: Tf
  readonly backend: string
}

/**
 * A value while a graph runs: in the layouts in which it was made or asked for, and as plain numbers where these are known.
 * It owns its tensors. Images [N, C, H, W] may be kept with their channels last, as convolutions want and give them.
 */
export interface Held {
  readonly dtype: DType
  readonly shape: readonly number[]
  /** Whether it is there with the channels last only. */
  readonly isChannelsLast: boolean
  /** Numbers that are known without asking the device. */
  readonly known: Numbers | undefined
  /** In the order of the axes of its shape. */
  plain(): Tensor
  /** [N, H, W, C]; a shape of lower rank is filled up from the left. */
  channelsLast(): Tensor
  /** Another form of it (weights of a convolution), made when it is first asked for. */
  form(name: string, make: () => Tensor): Tensor
  /** Its numbers in the order of the axes, copied out of the device where they are not known. */
  numbers(): Numbers | Promise<Numbers>
  free(): void
}

const types = {
  float32: 'float32',
  float16: 'float32',
  int64: 'int32',
  int32: 'int32',
  int8: 'int32',
  uint8: 'int32',
  bool: 'bool',
} as const satisfies Readonly<Partial<Record<DType, keyof tfjs.DataTypeMap>>>

/** What TensorFlow.js calls an element type. @throws CflowError MODEL for float64, which it lacks */
export function typeIn(dtype: DType): (typeof types)[keyof typeof types] {
  if (dtype !== 'float64') return types[dtype]
  throw new CflowError('MODEL', 'TensorFlow.js has no float64', {
    subject: dtype,
    hint: 'use onnxruntime-node',
  })
}

export const isInteger = (dtype: DType): boolean => /^u?int/.test(dtype)

/** Whole numbers are 32 bits wide; WebGL keeps them in float32. */
const bound = ({ backend }: Engine): number => (backend === 'webgl' ? 2 ** 24 : 2 ** 31)

/** @throws CflowError RUNTIME for a whole number that the backend cannot hold */
function checked(engine: Engine, numbers: Numbers): void {
  const most = bound(engine)
  for (let i = 0; i < numbers.length; i++) {
    const n = numbers[i]!
    if (n >= -most && n < most) continue
    throw new CflowError(
      'RUNTIME',
      `the whole number ${n} does not fit into the ${Math.log2(most) + (most < 2 ** 31 ? 0 : 1)} bits that TensorFlow.js has on ${engine.backend}`,
      { subject: String(n), hint: 'use onnxruntime, which has 64 bits' },
    )
  }
}

const filled = (shape: readonly number[]) => [...new Array<number>(4 - shape.length).fill(1), ...shape] // prettier-ignore

/** A value of a tensor that was just made (it becomes the value's own), of numbers, or of both. */
export function hold(
  engine: Engine,
  dtype: DType,
  shape: readonly number[],
  made: {
    readonly plain?: Tensor
    readonly channelsLast?: Tensor
    readonly numbers?: Numbers
    /** As `plain`, but it stays somebody else's. */
    readonly lent?: Tensor
  },
): Held {
  const { tf } = engine
  const forms = new Map<string, Tensor>()
  let known = made.numbers
  const form = (name: string, make: () => Tensor): Tensor => {
    const there = forms.get(name)
    if (there) return there
    const tensor = tf.keep(tf.tidy(make))
    forms.set(name, tensor)
    return tensor
  }
  if (made.plain) forms.set('plain', tf.keep(made.plain))
  if (made.lent) forms.set('plain', made.lent)
  if (made.channelsLast) forms.set('channelsLast', tf.keep(made.channelsLast))

  const upload = (): Tensor => {
    const numbers = known!
    const type = typeIn(dtype)
    if (dtype === 'int64' || dtype === 'int32') checked(engine, numbers)
    const Values = { float32: Float32Array, int32: Int32Array, bool: Uint8Array }[type]
    const values = numbers instanceof Values ? numbers : Values.from(numbers)
    return tf.tensor(values, shape as number[], type)
  }
  const plain = () =>
    form('plain', () => {
      const last = forms.get('channelsLast')
      return last ? tf.transpose(last, [0, 3, 1, 2]) : upload()
    })
  return {
    dtype,
    shape,
    get isChannelsLast() {
      return forms.has('channelsLast') && !forms.has('plain')
    },
    get known() {
      return known
    },
    plain,
    channelsLast: () =>
      form('channelsLast', () => tf.transpose(tf.reshape(plain(), filled(shape)), [0, 2, 3, 1])),
    form,
    numbers: () =>
      known ??
      plain()
        .data()
        .then((data) => (known = data.slice() as Numbers)),
    free() {
      for (const tensor of forms.values()) if (tensor !== made.lent) tensor.dispose()
      forms.clear()
    },
  }
}

/** The result of an operator, of what a function makes; what it makes on the way is freed. */
export const made = (engine: Engine, dtype: DType, make: () => Tensor): Held => {
  const plain = engine.tf.tidy(make)
  return hold(engine, dtype, plain.shape, { plain })
}

/** The result of an operator, made with the channels last. */
export function madeChannelsLast(engine: Engine, dtype: DType, make: () => Tensor): Held {
  const channelsLast = engine.tf.tidy(make)
  const [n, h, w, c] = channelsLast.shape as [number, number, number, number]
  return hold(engine, dtype, [n, c, h, w], { channelsLast })
}

/** Of each element by itself, in whatever layout it is there. */
export const mapped = (
  engine: Engine,
  x: Held,
  rule: (x: Tensor) => Tensor,
  dtype = x.dtype,
): Held =>
  x.isChannelsLast
    ? madeChannelsLast(engine, dtype, () => rule(x.channelsLast()))
    : made(engine, dtype, () => rule(x.plain()))

/** The same value as one of its own. */
export const copyOf = (engine: Engine, x: Held, shape = x.shape): Held =>
  x.known
    ? hold(engine, x.dtype, shape, { numbers: x.known })
    : shape === x.shape
      ? mapped(engine, x, engine.tf.clone)
      : made(engine, x.dtype, () => engine.tf.reshape(x.plain(), shape as number[]))

/** A tensor of ours. It may be changed afterwards. */
export function held(engine: Engine, { dtype, shape, data }: OurTensor): Held {
  typeIn(dtype)
  const numbers =
    dtype === 'int64'
      ? Float64Array.from(data as BigInt64Array, Number)
      : dtype === 'float16'
        ? Float32Array.from(data as Uint16Array, halfToNumber)
        : (data.slice() as Float32Array)
  return hold(engine, dtype, shape, { numbers })
}

/** A value as one of our tensors, with an array of its own. */
export async function tensorOf(x: Held): Promise<OurTensor> {
  const { dtype, shape } = x
  const numbers = await x.numbers()
  const data = allocate(dtype, sizeOf(shape))
  if (dtype === 'int64') (data as BigInt64Array).set(Array.from(numbers, BigInt))
  else (data as Float32Array).set(numbers)
  return { dtype, shape, data }
}
