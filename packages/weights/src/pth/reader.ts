import { CflowError } from '@cflow/base'

/** A damaged weight file. */
export const damaged = (what: string): CflowError =>
  new CflowError('WEIGHTS', `the weight file is damaged: ${what}`, {
    hint: 'download it again and compare its SHA-256',
  })

/** Reads little-endian values one after another and never beyond the end. */
export class ByteReader {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  #position: number

  constructor(bytes: Uint8Array, position = 0) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#position = position
  }

  get position(): number {
    return this.#position
  }

  /** The next n bytes, as a view of the file. @throws CflowError WEIGHTS when there are fewer */
  take(n: number): Uint8Array {
    return this.#bytes.subarray(this.#advance(n), this.#position)
  }

  u8(): number {
    return this.#view.getUint8(this.#advance(1))
  }

  u16(): number {
    return this.#view.getUint16(this.#advance(2), true)
  }

  i32(): number {
    return this.#view.getInt32(this.#advance(4), true)
  }

  u32(): number {
    return this.#view.getUint32(this.#advance(4), true)
  }

  u64(): number {
    return Number(this.#view.getBigUint64(this.#advance(8), true))
  }

  /** Big-endian float64, as pickle writes it. */
  f64(): number {
    return this.#view.getFloat64(this.#advance(8), false)
  }

  /** Signed integer of n bytes (two's complement). @throws CflowError WEIGHTS for more than 32 bytes */
  integer(n: number): number | bigint {
    if (n > 32) throw damaged(`an integer of ${n} bytes`)
    let value = 0n
    this.take(n).forEach((byte, i) => (value |= BigInt(byte) << BigInt(8 * i)))
    const signed = n === 0 ? 0n : BigInt.asIntN(8 * n, value)
    return Number.isSafeInteger(Number(signed)) ? Number(signed) : signed
  }

  /** UTF-8 text of n bytes. @throws CflowError WEIGHTS when it is no UTF-8 */
  text(n: number): string {
    try {
      return new TextDecoder('utf-8', { fatal: true }).decode(this.take(n))
    } catch (error) {
      if (error instanceof CflowError) throw error
      throw damaged('text that is not UTF-8')
    }
  }

  /** Text of n bytes of which each is a character (Python 2's strings). */
  latin(n: number): string {
    return Array.from(this.take(n), (byte) => String.fromCharCode(byte)).join('')
  }

  /** Text up to the end of the line, which is at most 256 bytes away. */
  line(): string {
    for (let n = 0; n <= 256; n++)
      if (this.#bytes[this.#position + n] === 10) {
        const text = this.latin(n)
        this.#advance(1)
        return text
      }
    throw damaged('a name without an end')
  }

  #advance(n: number): number {
    const start = this.#position
    if (!(n <= this.#bytes.length - start)) throw damaged('it ends too early')
    this.#position = start + n
    return start
  }
}
