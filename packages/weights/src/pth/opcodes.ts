import { PyTuple } from './machine.js'
import type { Machine } from './machine.js'
import { damaged } from './reader.js'
import type { ByteReader } from './reader.js'

type Operation = (machine: Machine, reader: ByteReader) => void

function list(value: unknown): unknown[] {
  if (!Array.isArray(value)) throw damaged('it appends to something that is no list')
  return value
}

function tuple(value: unknown): readonly unknown[] {
  if (!(value instanceof PyTuple)) throw damaged('arguments that are no tuple')
  return value.items
}

function setAll(target: unknown, items: readonly unknown[]): void {
  if (!(target instanceof Map)) throw damaged('it sets an item of something that is no dictionary')
  if (items.length % 2 !== 0) throw damaged('a key without a value')
  for (let i = 0; i < items.length; i += 2) target.set(items[i], items[i + 1])
}

function tupleOf(machine: Machine, n: number): void {
  const items = Array.from({ length: n }, () => machine.pop())
  machine.push(new PyTuple(items.reverse()))
}

function call(machine: Machine): void {
  const args = tuple(machine.pop())
  machine.push(machine.host.call(machine.pop(), args))
}

function stackGlobal(machine: Machine): void {
  const name = machine.pop()
  const module = machine.pop()
  if (typeof module !== 'string' || typeof name !== 'string')
    throw damaged('a name that is no text')
  machine.push(machine.host.global(module, name))
}

const push =
  (value: (reader: ByteReader) => unknown): Operation =>
  (machine, reader) =>
    machine.push(value(reader))

/** Pickle's operations (protocols 2 to 5) that data need, by their code; the others are left out on purpose. */
export const operations: ReadonlyMap<string, Operation> = new Map<string, Operation>([
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
  ['a', (m) => appendOne(m)],
  ['e', (m) => appendMany(m)],
  ['l', (m) => m.push(m.popToMark())],
  ['t', (m) => m.push(new PyTuple(m.popToMark()))],
  ['\x85', (m) => tupleOf(m, 1)],
  ['\x86', (m) => tupleOf(m, 2)],
  ['\x87', (m) => tupleOf(m, 3)],
  ['d', (m) => makeDictionary(m)],
  ['s', (m) => setOne(m)],
  ['u', (m) => setMany(m)],
  // stack and memo
  ['(', (m) => m.mark()],
  ['0', (m) => void m.pop()],
  ['1', (m) => void m.popToMark()],
  ['2', (m) => m.push(m.top())],
  ['q', (m, r) => m.remember(r.u8())],
  ['r', (m, r) => m.remember(r.u32())],
  ['\x94', (m) => m.memoize()],
  ['h', (m, r) => m.recall(r.u8())],
  ['j', (m, r) => m.recall(r.u32())],
  // what goes through the host
  ['c', (m, r) => m.push(m.host.global(r.line(), r.line()))],
  ['\x93', stackGlobal],
  ['R', call],
  ['\x81', call],
  ['b', (m) => build(m)],
  ['Q', (m) => m.push(m.host.persistent(m.pop()))],
  // framing
  ['\x80', (_, r) => checkProtocol(r.u8())],
  ['\x95', (_, r) => void r.u64()],
])

function appendOne(machine: Machine): void {
  const item = machine.pop()
  list(machine.top()).push(item)
}

function appendMany(machine: Machine): void {
  const items = machine.popToMark()
  const target = list(machine.top())
  for (const item of items) target.push(item)
}

function makeDictionary(machine: Machine): void {
  const map = new Map<unknown, unknown>()
  setAll(map, machine.popToMark())
  machine.push(map)
}

function setOne(machine: Machine): void {
  const value = machine.pop()
  const key = machine.pop()
  setAll(machine.top(), [key, value])
}

function setMany(machine: Machine): void {
  const items = machine.popToMark()
  setAll(machine.top(), items)
}

function build(machine: Machine): void {
  const state = machine.pop()
  machine.host.build(machine.top(), state)
}

function checkProtocol(protocol: number): void {
  if (protocol > 5) throw damaged(`pickle protocol ${protocol} is not known`)
}
