import { ByteReader, damaged } from './reader.js'

/** A Python tuple; lists are arrays, dictionaries maps, None is null. */
export class PyTuple {
  readonly items: readonly unknown[]
  constructor(items: readonly unknown[]) {
    this.items = items
  }
}

/**
 * What a pickle may ask for besides plain data. The unpickler itself runs nothing and imports nothing: every name and
 * every call goes through here, and an implementation throws for whatever it does not know.
 */
export interface PickleHost {
  /** The thing a `module.name` stands for. */
  global(module: string, name: string): unknown
  /** The result of calling such a thing. */
  call(callable: unknown, args: readonly unknown[]): unknown
  /** Restore an object's state. */
  build(object: unknown, state: unknown): void
  /** The object that lies outside the pickle under that identifier. */
  persistent(id: unknown): unknown
}

/** Stack and memo of an unpickler. A mark begins a new stack, and those before it wait. */
class Machine {
  readonly host: PickleHost
  #stack: unknown[] = []
  readonly #waiting: unknown[][] = []
  readonly #memo = new Map<number, unknown>()

  constructor(host: PickleHost) {
    this.host = host
  }

  push(value: unknown): void {
    this.#stack.push(value)
  }

  /** The topmost n values, the uppermost last. */
  popMany(n: number): unknown[] {
    if (n > this.#stack.length) throw damaged('its stack is empty')
    return this.#stack.splice(-n)
  }

  pop(): unknown {
    return this.popMany(1)[0]
  }

  top(): unknown {
    const value = this.pop()
    this.#stack.push(value)
    return value
  }

  mark(): void {
    this.#waiting.push(this.#stack)
    this.#stack = []
  }

  popToMark(): unknown[] {
    const items = this.#stack
    const before = this.#waiting.pop()
    if (!before) throw damaged('a mark is missing')
    this.#stack = before
    return items
  }

  /** @param index the next free number when absent */
  remember(index = this.#memo.size): void {
    this.#memo.set(index, this.top())
  }

  recall(index: number): void {
    if (!this.#memo.has(index)) throw damaged(`it refers to object ${index}, which is not there`)
    this.#stack.push(this.#memo.get(index))
  }
}

type Operation = (machine: Machine, reader: ByteReader) => void

const push =
  (value: (reader: ByteReader) => unknown): Operation =>
  (machine, reader) =>
    machine.push(value(reader))

function append(target: unknown, items: readonly unknown[]): void {
  if (!Array.isArray(target)) throw damaged('it appends to something that is no list')
  for (const item of items) target.push(item)
}

/** @param items keys and values in turn */
function setItems(target: unknown, items: readonly unknown[]): void {
  if (!(target instanceof Map)) throw damaged('it sets an item of something that is no dictionary')
  if (items.length % 2 !== 0) throw damaged('a key without a value')
  for (let i = 0; i < items.length; i += 2) target.set(items[i], items[i + 1])
}

function makeDictionary(machine: Machine): void {
  const map = new Map<unknown, unknown>()
  setItems(map, machine.popToMark())
  machine.push(map)
}

function stackGlobal(machine: Machine): void {
  const [module, name] = machine.popMany(2)
  if (typeof module !== 'string' || typeof name !== 'string')
    throw damaged('a name that is no text')
  machine.push(machine.host.global(module, name))
}

function call(machine: Machine): void {
  const [callable, args] = machine.popMany(2)
  if (!(args instanceof PyTuple)) throw damaged('arguments that are no tuple')
  machine.push(machine.host.call(callable, args.items))
}

/** A use of what lies below one value, or below all values down to the mark. */
const onTop =
  (use: (target: unknown, items: readonly unknown[], host: PickleHost) => void, n?: number) =>
  (machine: Machine): void => {
    const items = n === undefined ? machine.popToMark() : machine.popMany(n)
    use(machine.top(), items, machine.host)
  }

function checkProtocol(protocol: number): void {
  if (protocol > 5) throw damaged(`pickle protocol ${protocol} is not known`)
}

/** Pickle's operations (protocols 2 to 5) that data need, by their code; the others are left out on purpose. */
const operations: ReadonlyMap<string, Operation> = new Map<string, Operation>([
  // plain values
  ['N', push(() => null)],
  ['\x88', push(() => true)],
  ['\x89', push(() => false)],
  ['J', push((r) => r.i32())],
  ['K', push((r) => r.u8())],
  ['M', push((r) => r.u16())],
  ['\x8a', push((r) => r.integer(r.u8()))],
  ['\x8b', push((r) => r.integer(r.u32()))],
  ['G', push((r) => r.f64())],
  ['T', push((r) => r.latin(r.u32()))],
  ['U', push((r) => r.latin(r.u8()))],
  ['X', push((r) => r.text(r.u32()))],
  ['\x8c', push((r) => r.text(r.u8()))],
  ['\x8d', push((r) => r.text(r.u64()))],
  ['B', push((r) => r.take(r.u32()))],
  ['C', push((r) => r.take(r.u8()))],
  ['\x8e', push((r) => r.take(r.u64()))],
  // containers
  [']', push(() => [])],
  ['}', push(() => new Map())],
  [')', push(() => new PyTuple([]))],
  ['a', onTop(append, 1)],
  ['e', onTop(append)],
  ['l', (m) => m.push(m.popToMark())],
  ['t', (m) => m.push(new PyTuple(m.popToMark()))],
  ['\x85', (m) => m.push(new PyTuple(m.popMany(1)))],
  ['\x86', (m) => m.push(new PyTuple(m.popMany(2)))],
  ['\x87', (m) => m.push(new PyTuple(m.popMany(3)))],
  ['d', makeDictionary],
  ['s', onTop(setItems, 2)],
  ['u', onTop(setItems)],
  // stack and memo
  ['(', (m) => m.mark()],
  ['0', (m) => void m.pop()],
  ['1', (m) => void m.popToMark()],
  ['2', (m) => m.push(m.top())],
  ['q', (m, r) => m.remember(r.u8())],
  ['r', (m, r) => m.remember(r.u32())],
  ['\x94', (m) => m.remember()],
  ['h', (m, r) => m.recall(r.u8())],
  ['j', (m, r) => m.recall(r.u32())],
  // what goes through the host
  ['c', (m, r) => m.push(m.host.global(r.line(), r.line()))],
  ['\x93', stackGlobal],
  ['R', call],
  ['\x81', call],
  ['b', onTop((object, [state], host) => host.build(object, state), 1)],
  ['Q', (m) => m.push(m.host.persistent(m.pop()))],
  // framing
  ['\x80', (_, r) => checkProtocol(r.u8())],
  ['\x95', (_, r) => void r.u64()],
])

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
