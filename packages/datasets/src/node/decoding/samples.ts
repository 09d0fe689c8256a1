/** A decoded image before it is brought to eight bits: `data[(y·width + x)·channels + channel]`, 0 … `max`. */
export interface Samples {
  readonly width: number
  readonly height: number
  readonly channels: 1 | 3
  readonly data: Uint8Array | Uint16Array
  readonly max: number
  /** The name of the format where it lost information. */
  readonly lossy: string | undefined
}

/** A format that sharp does not read. */
export interface Format {
  readonly name: string
  /** Whether bytes begin like such a file. */
  matches(bytes: Uint8Array): boolean
  /** Read from the header. @throws Error, whose message says what is wrong */
  sizeOf(bytes: Uint8Array): { readonly width: number; readonly height: number }
  /** @throws Error, whose message says what is wrong; `Unsupported` for what is whole but cannot be read */
  decode(bytes: Uint8Array): Samples | Promise<Samples>
}

/** A file that may be whole, but is of a kind that is not read. */
export class Unsupported extends Error {}

/** Samples as eight bits; of 16 bits the high byte. */
export function toBytes({ data, max }: Samples): Uint8Array {
  if (max === 255 && data instanceof Uint8Array) return data
  if (max === 65535) return Uint8Array.from(data, (v) => v >> 8)
  return Uint8Array.from(data, (v) => Math.round((v * 255) / max))
}
