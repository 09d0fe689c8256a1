import { CflowError, messageOf } from '@cflow/base'
import { Unsupported, type Format, type Samples } from './samples.js'

/** As much of the decoder as is used. */
interface Decoder {
  getEncodedBuffer(length: number): Uint8Array
  decode(): void
  getFrameInfo(): {
    readonly width: number
    readonly height: number
    readonly bitsPerSample: number
    readonly componentCount: number
    readonly isSigned: boolean
  }
  getDecodedBuffer(): Uint8Array
  delete(): void
}
interface Codec {
  readonly J2KDecoder: new () => Decoder
}

let codec: Promise<Codec> | undefined

/** OpenJPEG as WebAssembly, loaded for the first such image. */
async function loadCodec(): Promise<Codec> {
  const silent = { print: () => undefined, printErr: () => undefined }
  const module = await import('@cornerstonejs/codec-openjpeg/decodewasmjs').catch(
    (cause: unknown) => {
      throw new CflowError('RUNTIME', `OpenJPEG cannot be loaded: ${messageOf(cause)}`, {
        subject: '@cornerstonejs/codec-openjpeg',
        hint: 'Install it: npm install @cornerstonejs/codec-openjpeg',
        cause,
      })
    },
  )
  return (module.default as (options: object) => Promise<Codec>)(silent)
}

/** Where the coded picture begins: a marker of its start, and one of its size. */
function codestreamAt(bytes: Uint8Array): number {
  const at = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).indexOf('ff4fff51', 0, 'hex')
  if (at < 0 || at + 24 > bytes.length) throw new Error('its picture is missing')
  return at
}

/** JPEG 2000, as a JP2 file or as the coded picture alone. */
export const jp2: Format = {
  name: 'JPEG 2000',
  matches(bytes) {
    const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, 12)).toString(
      'hex',
    )
    return head === '0000000c6a5020200d0a870a' || head.startsWith('ff4fff51')
  },
  sizeOf(bytes) {
    const view = new DataView(bytes.buffer, bytes.byteOffset + codestreamAt(bytes) + 8)
    const [right, bottom, left, top] = [0, 4, 8, 12].map((at) => view.getUint32(at)) as [number, number, number, number] // prettier-ignore
    return { width: right - left, height: bottom - top }
  },
  async decode(bytes): Promise<Samples> {
    refuseColours(bytes)
    const decoder = new (await (codec ??= loadCodec())).J2KDecoder()
    try {
      decoder.getEncodedBuffer(bytes.length).set(bytes)
      decoder.decode()
      const {
        width,
        height,
        bitsPerSample: bits,
        componentCount: count,
        isSigned,
      } = decoder.getFrameInfo()
      const decoded = decoder.getDecodedBuffer()
      if (width === 0 || decoded.length === 0) throw new Error('its picture cannot be decoded')
      const size = bits > 8 ? 2 : 1
      if (isSigned || bits > 16 || count > 4) throw new Unsupported(`has ${count} channels of ${bits}${isSigned ? ' signed' : ''} bits`) // prettier-ignore
      if (decoded.length !== width * height * count * size)
        throw new Unsupported('has channels of different sizes')
      const lossy = isReversible(bytes) ? undefined : 'JPEG 2000'
      return { ...samplesOf({ width, height, bits, count }, Uint8Array.from(decoded)), lossy }
    } catch (error) {
      // the library throws numbers
      throw error instanceof Error ? error : new Error('its picture cannot be decoded')
    } finally {
      decoder.delete()
    }
  },
}

interface Raw {
  readonly width: number
  readonly height: number
  readonly bits: number
  readonly count: number
}

/** Without alpha: of two channels the first, of four the first three. */
function samplesOf({ width, height, bits, count }: Raw, decoded: Uint8Array) {
  const all = bits > 8 ? new Uint16Array(decoded.buffer) : decoded
  const channels = count < 3 ? 1 : 3
  const pixels = width * height
  const data = bits > 8 ? new Uint16Array(pixels * channels) : new Uint8Array(pixels * channels)
  for (let i = 0; i < pixels; i++)
    for (let c = 0; c < channels; c++) data[i * channels + c] = all[i * count + c]!
  return { width, height, channels, data, max: 2 ** bits - 1 } as const
}

/** Whether the picture is coded by the wavelet of whole numbers; the other one rounds. */
function isReversible(bytes: Uint8Array): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset + codestreamAt(bytes))
  // segments of the header, each a marker and its length, up to that of the coding style
  let at = 2
  while (view.getUint16(at) !== 0xff52) at += 2 + view.getUint16(at + 2)
  return view.getUint8(at + 13) === 1
}

/** Colours that are not red, green and blue, or grey, would come out wrong. */
function refuseColours(bytes: Uint8Array): void {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, codestreamAt(bytes)).toString('latin1')
  if (head.includes('pclr')) throw new Unsupported('has a palette')
  const colours = head.indexOf('colr\u0001')
  const space = colours < 0 ? 16 : head.charCodeAt(colours + 10)
  if (space !== 16 && space !== 17)
    throw new Unsupported('has colours of another kind than sRGB or grey')
}
