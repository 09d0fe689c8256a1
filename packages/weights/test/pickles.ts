/** Writes pickles by hand, so that tests can make files that PyTorch would and would not write. */
type Bytes = Uint8Array

const join = (...parts: readonly Bytes[]): Bytes => Uint8Array.from(parts.flatMap((p) => [...p]))
const code = (text: string): Bytes => Uint8Array.from(text, (c) => c.charCodeAt(0))
const u32 = (n: number): Bytes => new Uint8Array(Uint32Array.of(n).buffer)
const u64 = (n: number): Bytes => new Uint8Array(BigUint64Array.of(BigInt(n)).buffer)

const text = (value: string): Bytes => {
  const bytes = new TextEncoder().encode(value)
  return join(code('X'), u32(bytes.length), bytes)
}
const int = (n: number): Bytes => join(code('\x8a\x08'), u64(n))
const float = (x: number): Bytes => {
  const bytes = new Uint8Array(9)
  bytes[0] = 0x47
  new DataView(bytes.buffer).setFloat64(1, x, false)
  return bytes
}
const list = (items: readonly Bytes[]): Bytes => join(code(']('), ...items, code('e'))
const tuple = (items: readonly Bytes[]): Bytes => join(code('('), ...items, code('t'))
const dict = (items: readonly (readonly [string, Bytes])[]): Bytes =>
  join(code('}('), ...items.flatMap(([k, v]) => [text(k), v]), code('u'))
const global = (module: string, name: string): Bytes => code(`c${module}\n${name}\n`)
const pickle = (value: Bytes): Bytes => join(code('\x80\x02'), value, code('.'))

export const ops = { join, code, text, int, float, list, tuple, dict, global, pickle }

/** A storage's persistent identifier; `part` is the offset and size of a view of it. */
export function storage(
  key: string,
  length: number,
  part?: readonly [number, number],
  type = 'FloatStorage',
): Bytes {
  const view = part ? tuple([text(`${key}-part`), ...part.map(int)]) : code('N')
  const id = [text('storage'), global('torch', type), text(key), text('cpu'), int(length), view]
  return join(tuple(id), code('Q'))
}

const numbers = (values: readonly number[]): Bytes => tuple(values.map(int))

export function tensorAt(
  from: Bytes,
  offset: number,
  shape: readonly number[],
  strides: readonly number[],
): Bytes {
  const args = [from, int(offset), numbers(shape), numbers(strides), code('\x89'), code('}')]
  return join(global('torch._utils', '_rebuild_tensor_v2'), tuple(args), code('R'))
}

/** A parameter (of three elements from the second on) in the forms that PyTorch has written over the years. */
export function parameterOf(t: Bytes): Readonly<Record<string, Bytes>> {
  const parameter = global('torch.nn.parameter', 'Parameter')
  const state = [code('\x88'), code('\x89'), code('}')]
  const old = tensorAt(storage('7', 4), 1, [3], [1])
  const args = [storage('7', 4), int(1), numbers([3]), numbers([1])]
  return {
    today: join(global('torch._utils', '_rebuild_parameter'), tuple([t, ...state]), code('R')),
    'version 0.2': join(parameter, tuple([t]), code('R'), tuple(state), code('b')),
    'version 0.1': join(
      parameter,
      code(')\x81'),
      tuple([old, code('N'), code('}'), code('\x88'), code('\x89')]),
      code('b'),
    ),
    'tensor in two steps': join(
      global('torch', 'FloatTensor'),
      code(')\x81'),
      tuple(args),
      code('b'),
    ),
    'tensor of version 0.1': join(
      global('torch._utils', '_rebuild_tensor'),
      tuple(args),
      code('R'),
    ),
  }
}

/** An OrderedDict as Python 2 writes it: called with a list of pairs. */
export const python2Dict = (items: readonly (readonly [string, Bytes])[]): Bytes => {
  const pairs = list(items.map(([k, v]) => list([text(k), v])))
  return join(global('collections', 'OrderedDict'), tuple([pairs]), code('R'))
}

/** A file in the legacy format. */
export function legacyFile(
  object: Bytes,
  storages: readonly (readonly [string, readonly number[]])[],
): Bytes {
  return join(
    pickle(code('\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19')),
    pickle(code('M\xe9\x03')),
    pickle(dict([['little_endian', code('\x88')]])),
    pickle(object),
    pickle(list(storages.map(([key]) => text(key)))),
    ...storages.flatMap(([, values]) => [
      u64(values.length),
      new Uint8Array(Float32Array.from(values).buffer),
    ]),
  )
}
