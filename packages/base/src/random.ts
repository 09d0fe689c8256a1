/**
 * Seeded pseudo-random numbers: sfc32 (PractRand's small fast counting generator, 128 bits of state).
 * All randomness of the project comes from one of these, passed in; the same seed gives the same numbers everywhere.
 */
export class Random {
  #a: number
  #b: number
  #c: number
  #d: number
  #spare: number | undefined

  private constructor(a: number, b: number, c: number, d: number, spare: number | undefined) {
    this.#a = a
    this.#b = b
    this.#c = c
    this.#d = d
    this.#spare = spare
  }

  /** A generator for a seed (an integer; its low 53 bits count) and an optional stream name. */
  static seeded(seed: number, stream = ''): Random {
    let h = 0x811c9dc5
    for (let i = 0; i < stream.length; i++) h = Math.imul(h ^ stream.charCodeAt(i), 0x01000193)
    const random = new Random(seed | 0, Math.floor(seed / 4294967296) | 0, h | 0, 1, undefined)
    for (let i = 0; i < 16; i++) random.uint32()
    return random
  }

  /** The generator that a `state()` was taken from, at that point. */
  static fromState(state: RandomState): Random {
    return new Random(state.words[0], state.words[1], state.words[2], state.words[3], state.spare)
  }

  /** Everything needed to go on later with the same numbers; plain JSON. */
  state(): RandomState {
    const words = [this.#a, this.#b, this.#c, this.#d] as const
    return this.#spare === undefined ? { words } : { words, spare: this.#spare }
  }

  /** Uniform integer in [0, 2³²). */
  uint32(): number {
    const t = (((this.#a + this.#b) | 0) + this.#d) | 0
    this.#d = (this.#d + 1) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = (this.#c << 21) | (this.#c >>> 11)
    this.#c = (this.#c + t) | 0
    return t >>> 0
  }

  /** Uniform number in [0, 1) with 53 random bits. */
  next(): number {
    const high = this.uint32() >>> 5
    return (high * 67108864 + (this.uint32() >>> 6)) / 9007199254740992
  }

  /** Uniform number in [low, high). */
  uniform(low: number, high: number): number {
    return low + (high - low) * this.next()
  }

  /** Uniform integer in [0, n), n ≤ 2³². */
  integer(n: number): number {
    return Math.floor(this.next() * n)
  }

  /** Standard normal number (Marsaglia's polar method). */
  normal(): number {
    if (this.#spare !== undefined) {
      const spare = this.#spare
      this.#spare = undefined
      return spare
    }
    for (;;) {
      const u = 2 * this.next() - 1
      const v = 2 * this.next() - 1
      const s = u * u + v * v
      if (s > 0 && s < 1) {
        const f = Math.sqrt((-2 * Math.log(s)) / s)
        this.#spare = v * f
        return u * f
      }
    }
  }

  /** The numbers 0 … n−1 in random order (Fisher–Yates). */
  permutation(n: number): Int32Array {
    const order = Int32Array.from({ length: n }, (_, i) => i)
    this.shuffle(order)
    return order
  }

  /** Shuffle in place (Fisher–Yates). */
  shuffle<T>(items: { [index: number]: T; readonly length: number }): void {
    for (let i = items.length - 1; i > 0; i--) {
      const j = this.integer(i + 1)
      const t = items[i] as T
      items[i] = items[j] as T
      items[j] = t
    }
  }
}

/** State of a `Random`, as JSON. */
export interface RandomState {
  readonly words: readonly [number, number, number, number]
  readonly spare?: number
}
