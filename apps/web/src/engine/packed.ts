import { arriving, fetched, sizes, unzipped, type OnBytes } from './files.js'

// found by a pattern: made by tools/build-example.ts before the site is built
const [packed, rehearsalUrl, unpackerUrl] = Object.values(
  import.meta.glob<string>(
    [
      '../../generated/*.packed',
      '../../generated/rehearsal.gzipped',
      '../../generated/unpacker.gzipped',
    ],
    { query: '?url', import: 'default', eager: true },
  ),
)

const what = 'The engine (onnxruntime-web)'

/** What unpacks onnxruntime-web’s WASM file, and that file part by part as it arrives. */
export interface PackedWasm {
  readonly unpacker: Promise<BufferSource>
  readonly parts: AsyncIterable<Uint8Array>
}

/** Bytes of the packed file that are left when others may be asked for: what is on its way while they are. */
const ahead = 100_000

let tellSoon: () => void
/**
 * When the packed file is nearly there, or will not come. What a detector needs besides comes after it, as WASM is compiled and
 * started meanwhile.
 */
export const wasmIsNear = new Promise<void>((resolve) => (tellSoon = resolve))

/**
 * Fetch what WASM needs; the built page names both, so that they are on their way before a script runs.
 * @param onBytes called with bytes of the packed file
 */
export function packedWasm(onBytes: OnBytes): PackedWasm {
  const unpacker = fetched(unpackerUrl!, what)
    .then(unzipped)
    .then((file) => file.arrayBuffer())
  // told where it is awaited
  unpacker.catch(() => undefined)
  let left = (sizes['packed'] ?? 0) - ahead
  const counted = (bytes: number) => {
    left -= bytes
    if (left <= 0) tellSoon()
    onBytes(bytes)
  }
  return { unpacker, parts: arriving(packed!, what, counted) }
}

/** Through a port to a worker: parts, then `null`. @throws as `packedWasm` */
export async function sent({ unpacker, parts }: PackedWasm, port: MessagePort): Promise<void> {
  const sending = unpacker.then((file) => port.postMessage(file))
  sending.catch(() => undefined)
  try {
    for await (const part of parts) port.postMessage(part)
  } finally {
    tellSoon()
  }
  await sending
  port.postMessage(null)
}

/** What `sent` sends. A sender that fails sends no end: its page ends the worker. */
export function received(port: MessagePort): PackedWasm {
  let give: (file: BufferSource) => void
  const unpacker = new Promise<BufferSource>((resolve) => (give = resolve))
  const waiting: (Uint8Array | null)[] = []
  let wake = () => {}
  port.onmessage = ({ data }: MessageEvent<ArrayBuffer | Uint8Array | null>) => {
    if (data instanceof ArrayBuffer) return give(data)
    waiting.push(data)
    wake()
  }
  async function* parts() {
    for (;;) {
      while (waiting.length === 0) await new Promise<void>((resolve) => (wake = resolve))
      const part = waiting.shift()
      if (!part) return port.close()
      yield part
    }
  }
  return { unpacker, parts: parts() }
}

/** A detector of the examples' kind without weights, to try an engine with. @throws CflowError NETWORK, NOT_FOUND */
export const rehearsal = (): Promise<Blob> => fetched(rehearsalUrl!, what).then(unzipped)
