import type { Tensor } from '@cflow/base'

type Item = Tensor | readonly Item[] | { readonly [key: string]: Item }

const isTensor = (item: Item): item is Tensor => 'dtype' in item && 'data' in item
const ascii = (text: string): Buffer => Buffer.from(text, 'latin1')
const pickle = (...parts: readonly Buffer[]): Buffer =>
  Buffer.concat([ascii('\x80\x02'), ...parts, ascii('.')])
const u32 = (n: number): Buffer => Buffer.from(Uint32Array.of(n).buffer)
const int = (n: number): Buffer => Buffer.concat([ascii('J'), u32(n)])
const text = (value: string): Buffer =>
  Buffer.concat([ascii('X'), u32(Buffer.byteLength(value)), Buffer.from(value)])
const tuple = (...items: readonly Buffer[]): Buffer =>
  Buffer.concat([ascii('('), ...items, ascii('t')])

/** Dictionaries and lists of float32 tensors as `torch.save` wrote them before version 1.6. */
export function legacyPth(root: Item): Buffer {
  const storages: Tensor[] = []
  const encoded = (item: Item): Buffer => {
    if (Array.isArray(item)) return Buffer.concat([ascii(']('), ...item.map(encoded), ascii('e')])
    if (isTensor(item as Item)) {
      const { shape, data } = item as Tensor
      const key = String(storages.push(item as Tensor) - 1)
      const strides = shape.map((_, i) => shape.slice(i + 1).reduce((n, d) => n * d, 1))
      const storage = [
        text('storage'),
        ascii('ctorch\nFloatStorage\n'),
        text(key),
        text('cpu'),
        int(data.length),
        ascii('N'),
      ]
      const sizes = [shape, strides].map((numbers) => tuple(...numbers.map(int)))
      const args = [tuple(...storage), ascii('Q'), int(0), ...sizes, ascii('\x89}')]
      return Buffer.concat([
        ascii('ctorch._utils\n_rebuild_tensor_v2\n'),
        tuple(...args),
        ascii('R'),
      ])
    }
    const entries = Object.entries(item as Record<string, Item>)
    const pairs = entries.flatMap(([key, value]) => [text(key), encoded(value)])
    return Buffer.concat([ascii('}('), ...pairs, ascii('u')])
  }
  const object = encoded(root)
  return Buffer.concat([
    pickle(ascii('\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19')),
    pickle(ascii('M\xe9\x03')),
    pickle(ascii('}')),
    pickle(object),
    pickle(ascii(']('), ...storages.map((_, key) => text(String(key))), ascii('e')),
    ...storages.flatMap(({ data }) => [
      Buffer.from(BigUint64Array.of(BigInt(data.length)).buffer),
      Buffer.from(data.buffer, data.byteOffset, data.byteLength),
    ]),
  ])
}
