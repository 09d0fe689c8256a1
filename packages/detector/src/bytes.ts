/** Bytes held in memory. */
export type Bytes = Uint8Array | ArrayBuffer

export const isBytes = (value: unknown): value is Bytes =>
  value instanceof Uint8Array || value instanceof ArrayBuffer

/** Bytes as an array of them, without a copy. */
export const asArray = (bytes: Bytes): Uint8Array =>
  bytes instanceof Uint8Array ? bytes : new Uint8Array(bytes)
