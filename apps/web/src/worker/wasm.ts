import init, { BrotliDecStream, BrotliStreamResultCode } from 'brotli-dec-wasm/web'
import { sizes } from '../engine/files.js'
import { packedWasm, type PackedWasm } from '../engine/packed.js'

/** Bytes that are unpacked at once. */
const step = 2 ** 18

/**
 * Give onnxruntime-web its WASM file before it asks for it: packed it is a sixth, on every host, and it is unpacked while it
 * arrives.
 * @param packed where the page fetches it; else it is fetched here
 * @throws CflowError NETWORK, NOT_FOUND
 */
export const giveWasm = (packed?: PackedWasm): Promise<void> =>
  (given ??= give(packed ?? packedWasm(() => {})))

let given: Promise<void> | undefined

async function give({ unpacker, parts }: PackedWasm): Promise<void> {
  const starting = unpacker.then((file) => init({ module_or_path: file }))
  const library = import('onnxruntime-web/wasm')
  // told below
  for (const begun of [starting, library]) begun.catch(() => undefined)
  const all = new Uint8Array(sizes['wasm'] ?? 0)
  let at = 0
  let stream: BrotliDecStream | undefined
  for await (const part of parts) {
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
