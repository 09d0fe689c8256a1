import fc from 'fast-check'

/** Scores from few values, so that ties are common, or from many. */
const score = fc.oneof(
  fc.integer({ min: -3, max: 3 }),
  fc.float({ noNaN: true, min: -4, max: 4 }),
  fc.constantFrom(-0, 0, Infinity, -Infinity),
)

export interface LabelledScores {
  readonly scores: Float32Array
  readonly labels: readonly boolean[]
}

/** Up to 40 scores with labels; classes may be missing. */
export const labelledScores: fc.Arbitrary<LabelledScores> = fc
  .array(fc.tuple(score, fc.boolean()), { maxLength: 40 })
  .map((pairs) => ({
    scores: Float32Array.from(pairs, ([s]) => s),
    labels: pairs.map(([, label]) => label),
  }))

/** The same with both classes present. */
export const twoClasses: fc.Arbitrary<LabelledScores> = labelledScores.filter(
  ({ labels }) => labels.includes(true) && labels.includes(false),
)

export interface MaskedMap {
  readonly width: number
  readonly height: number
  readonly map: Float32Array
  readonly mask: Uint8Array
}

/** A mask of up to 7 × 7 pixels. */
export const masks = fc
  .tuple(fc.integer({ min: 1, max: 7 }), fc.integer({ min: 1, max: 7 }), fc.constantFrom(2, 3, 8))
  .chain(([width, height, density]) =>
    fc.record({
      width: fc.constant(width),
      height: fc.constant(height),
      mask: fc
        .array(fc.nat(density - 1), { minLength: width * height, maxLength: width * height })
        .map((values) => Uint8Array.from(values, (v) => (v === 0 ? 0 : density === 8 ? 1 : v - 1))),
    }),
  )

/** One to three images with finite scores, of any sizes. */
export const images: fc.Arbitrary<readonly MaskedMap[]> = fc.array(
  masks.chain((m) =>
    fc
      .array(
        fc.oneof(fc.integer({ min: -2, max: 2 }), fc.float({ noNaN: true, min: -2, max: 2 })),
        {
          minLength: m.mask.length,
          maxLength: m.mask.length,
        },
      )
      .map((scores) => ({ ...m, map: Float32Array.from(scores) })),
  ),
  { minLength: 1, maxLength: 3 },
)
