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

  readonly u8 = (): number => this.#view.getUint8(this.#advance(1))
  readonly u16 = (): number => this.#view.getUint16(this.#advance(2), true)
  readonly i32 = (): number => this.#view.getInt32(this.#advance(4), true)
  readonly u32 = (): number => this.#view.getUint32(this.#advance(4), true)
  readonly u64 = (): number => Number(this.#view.getBigUint64(this.#advance(8), true))
  /** Big-endian float64, as pickle writes it. */
  readonly f64 = (): number => this.#view.getFloat64(this.#advance(8), false)

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
    const bytes = this.take(n)
    try {
      return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    } catch {
      throw damaged('text that is not UTF-8')
    }
  }

  /** Text of n bytes of which each is a character (Python 2's strings). */
  latin(n: number): string {
    return Array.from(this.take(n), (byte) => String.fromCharCode(byte)).join('')
  }

  /** Text up to the end of the line, which is at most 256 bytes away. */
  line(): string {
    const length = this.#bytes.subarray(this.#position, this.#position + 257).indexOf(10)
    if (length < 0) throw damaged('a name without an end')
    const text = this.latin(length)
    this.#advance(1)
    return text
  }

  #advance(n: number): number {
    const start = this.#position
    if (!(n <= this.#bytes.length - start)) throw damaged('it ends too early')
    this.#position = start + n
    return start
  }
}
