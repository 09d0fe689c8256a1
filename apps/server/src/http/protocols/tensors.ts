import { CflowError } from '@cflow/base'

/** Tensors of the Open Inference Protocol, in JSON or in its binary extension. */

export const bad = (message: string, subject: string): CflowError =>
  new CflowError('USAGE', message, { subject })

/** A body: JSON, and the bytes after it. */
export interface Framed {
  readonly json: unknown
  readonly rest: Buffer
}

/** @param header what `Inference-Header-Content-Length` says */
export function unframe(body: Buffer, header: string | undefined): Framed {
  const length = header === undefined ? body.length : Number(header)
  if (!Number.isInteger(length) || length < 0 || length > body.length)
    throw bad('Inference-Header-Content-Length is not the length of the JSON part', 'header')
  try {
    return { json: JSON.parse(body.toString('utf8', 0, length)), rest: body.subarray(length) }
  } catch (cause) {
    throw new CflowError('USAGE', 'the body is not JSON', { subject: 'body', cause })
  }
}

/** Strings of bytes, each after its length in four bytes, little-endian. */
export function readStrings(bytes: Buffer, count: number): Buffer[] {
  const strings: Buffer[] = []
  let at = 0
  while (at < bytes.length && strings.length < count) {
    const end = at + 4 <= bytes.length ? at + 4 + bytes.readUInt32LE(at) : Infinity
    if (end > bytes.length) break
    strings.push(bytes.subarray(at + 4, end))
    at = end
  }
  if (at !== bytes.length || strings.length !== count)
    throw bad(`BYTES holds not ${count} elements, each after its length`, 'image')
  return strings
}

/** Numbers of nested or flat lists, as bytes. */
export function readBytes(data: unknown, count: number): Uint8Array {
  const values = new Uint8Array(count)
  let at = 0
  const add = (value: unknown): void => {
    if (Array.isArray(value)) {
      for (const v of value) add(v)
      return
    }
    if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > 255)
      throw bad('UINT8 is a whole number from 0 to 255', 'image')
    if (at < count) values[at] = value
    at++
  }
  add(data)
  if (at !== count) throw bad(`the shape asks for ${count} numbers, there are ${at}`, 'image')
  return values
}

export interface OutputTensor {
  readonly name: string
  readonly datatype: 'FP32' | 'BOOL'
  readonly shape: readonly number[]
  readonly data: Float32Array | Uint8Array
}

const bytesOf = ({ data }: OutputTensor): Buffer =>
  Buffer.from(data.buffer, data.byteOffset, data.byteLength)

const plainData = ({ data, datatype }: OutputTensor): readonly (number | boolean)[] =>
  datatype === 'BOOL' ? Array.from(data, Boolean) : Array.from(data)

/** The answer; with a header length where some outputs are binary. */
export function frame(
  head: object,
  outputs: readonly (OutputTensor & { readonly binary: boolean })[],
): { readonly body: Buffer; readonly headerLength: number | undefined } {
  const described = outputs.map((output) => {
    const { name, datatype, shape, binary } = output
    return binary
      ? { name, datatype, shape, parameters: { binary_data_size: output.data.byteLength } }
      : { name, datatype, shape, data: plainData(output) }
  })
  const json = Buffer.from(JSON.stringify({ ...head, outputs: described }))
  const parts = outputs.filter(({ binary }) => binary).map(bytesOf)
  return parts.length === 0
    ? { body: json, headerLength: undefined }
    : { body: Buffer.concat([json, ...parts]), headerLength: json.length }
}
