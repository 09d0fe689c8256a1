/** What numpy.save writes for elements given in C order: version 1, little-endian bytes. */
export function npyBytes(
  shape: readonly number[],
  values: ArrayLike<number>,
  { descr = '|u1', fortran = false }: { descr?: '|b1' | '|u1' | '<i8'; fortran?: boolean } = {},
): Uint8Array {
  const shapeText = `(${shape.join(', ')}${shape.length === 1 ? ',' : ''})`
  const text = `{'descr': '${descr}', 'fortran_order': ${fortran ? 'True' : 'False'}, 'shape': ${shapeText}, }`
  const header = `${text.padEnd(Math.ceil((text.length + 11) / 64) * 64 - 11)}\n`
  const itemBytes = Number(descr.slice(2))
  const bytes = Buffer.alloc(10 + header.length + values.length * itemBytes)
  bytes.write('\x93NUMPY\x01\x00', 0, 'latin1')
  bytes.writeUInt16LE(header.length, 8)
  bytes.write(header, 10, 'latin1')
  for (let i = 0; i < values.length; i++) {
    const place = fortran ? fortranPlace(i, shape) : i
    bytes[10 + header.length + place * itemBytes] = values[i] as number
  }
  return bytes
}

/** Where element i in C order lies in Fortran order. */
function fortranPlace(i: number, shape: readonly number[]): number {
  let left = i
  let place = 0
  let step = shape.reduce((n, d) => n * d, 1)
  for (const size of [...shape].reverse()) {
    step /= size
    place += (left % size) * step
    left = Math.floor(left / size)
  }
  return place
}
