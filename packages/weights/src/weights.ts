import type { Tensor } from '@cflow/base'

/** Tensors by name: a state dict, in its order. */
export interface Weights extends ReadonlyMap<string, Tensor> {
  /** Element types, by name, of tensors that the file holds and that are left out: there is no tensor of their type. */
  readonly unread?: ReadonlyMap<string, string>
}

/** Tensors, and what was left out. */
export const withUnread = (
  tensors: ReadonlyMap<string, Tensor>,
  unread: ReadonlyMap<string, string>,
): Weights => (unread.size > 0 ? Object.assign(tensors, { unread }) : tensors)

/** A kind of weight file. */
export interface WeightFormat {
  readonly name: string
  /** Whether a file begins as files of this kind do. */
  matches(bytes: Uint8Array): boolean
  /** @throws CflowError WEIGHTS when the file is damaged or of another kind */
  read(bytes: Uint8Array): Weights
}

/** The file in which the authors of weights publish them. */
export interface PublishedWeights {
  readonly url: string
  /** Name of the file. */
  readonly file: string
  /** Start of the SHA-256 of the file in hexadecimal, or all of it. */
  readonly sha256: string
  /** Bytes, where known for certain. */
  readonly size?: number
}
