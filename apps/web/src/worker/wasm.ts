import init, { BrotliDecStream, BrotliStreamResultCode } from 'brotli-dec-wasm/web'
import unpacker from 'brotli-dec-wasm/web/bg.wasm?url'
import { arriving, sizes, type OnBytes } from '../engine/files.js'

// found by a pattern: made by tools/build-example.ts before the site is built
const [packed] = Object.values(
  import.meta.glob<string>('../../generated/*.packed', {
    query: '?url',
    import: 'default',
    eager: true,
  }),
)

/** Bytes that are unpacked at once. */
const step = 2 ** 18

/**
 * Give onnxruntime-web its WASM file before it asks for it: packed it is a sixth, on every host, and it is unpacked while it
 * arrives.
 * @param onBytes called with bytes of the packed file
 * @throws CflowError NETWORK, NOT_FOUND
 */
export const giveWasm = (onBytes: OnBytes): Promise<void> => (given ??= give(onBytes))

let given: Promise<void> | undefined

async function give(onBytes: OnBytes): Promise<void> {
  const starting = init({ module_or_path: unpacker })
  const library = import('onnxruntime-web/wasm')
  // told below
  for (const begun of [starting, library]) begun.catch(() => undefined)
  const all = new Uint8Array(sizes['wasm'] ?? 0)
  let at = 0
  let stream: BrotliDecStream | undefined
  for await (const part of arriving(packed!, 'The engine (onnxruntime-web)', onBytes)) {
    if (!stream) {
      await starting
      stream = new BrotliDecStream()
    }
    for (let rest: Uint8Array = part, isMore = true; isMore;) {
      const { buf, code, input_offset: used } = stream.dec(rest, step)
      all.set(buf, at)
      at += buf.length
      rest = rest.subarray(used)
      isMore = code === BrotliStreamResultCode.NeedsMoreOutput
    }
  }
  stream?.free()
  if (at !== all.length) throw new Error('the engine’s file is cut off')
  ;(await library).env.wasm.wasmBinary = all.buffer
}
