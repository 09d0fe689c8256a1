import { Machine } from './machine.js'
import type { PickleHost } from './machine.js'
import { operations } from './opcodes.js'
import { ByteReader, damaged } from './reader.js'

const stop = 0x2e // '.'

/**
 * Read one pickle (protocols 2 to 5) as plain data: null, booleans, numbers, text, bytes, arrays, `PyTuple`s, maps, and
 * what the host makes of names and calls. Nothing of the pickle is ever executed.
 * @param position where the pickle begins
 * @returns the object and the position after the pickle
 * @throws CflowError WEIGHTS when it is damaged or asks for something else
 */
export function unpickle(
  bytes: Uint8Array,
  host: PickleHost,
  position = 0,
): { readonly value: unknown; readonly end: number } {
  const reader = new ByteReader(bytes, position)
  const machine = new Machine(host)
  for (;;) {
    const code = reader.u8()
    if (code === stop) return { value: machine.pop(), end: reader.position }
    const operation = operations.get(String.fromCharCode(code))
    if (!operation)
      throw damaged(`pickle operation 0x${code.toString(16).padStart(2, '0')} is not supported`)
    operation(machine, reader)
  }
}
