/** Mean loss of one pass over the training images, per scale (finest first). */
export interface PassRecord {
  /** 1-based. */
  readonly pass: number
  readonly losses: readonly number[]
  readonly learningRate: number
  readonly seconds: number
}
