import { damaged } from './reader.js'

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

/** Stack, marks and memo of an unpickler. */
export class Machine {
  readonly host: PickleHost
  readonly #stack: unknown[] = []
  readonly #marks: number[] = []
  readonly #memo = new Map<number, unknown>()

  constructor(host: PickleHost) {
    this.host = host
  }

  push(value: unknown): void {
    this.#stack.push(value)
  }

  pop(): unknown {
    if (this.#stack.length <= (this.#marks.at(-1) ?? 0)) throw damaged('its stack is empty')
    return this.#stack.pop()
  }

  top(): unknown {
    const value = this.pop()
    this.#stack.push(value)
    return value
  }

  mark(): void {
    this.#marks.push(this.#stack.length)
  }

  popToMark(): unknown[] {
    const at = this.#marks.pop()
    if (at === undefined) throw damaged('a mark is missing')
    return this.#stack.splice(at)
  }

  remember(index: number): void {
    this.#memo.set(index, this.top())
  }

  /** Under the next free number. */
  memoize(): void {
    this.remember(this.#memo.size)
  }

  recall(index: number): void {
    if (!this.#memo.has(index)) throw damaged(`it refers to object ${index}, which is not there`)
    this.#stack.push(this.#memo.get(index))
  }
}
