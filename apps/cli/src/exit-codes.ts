/** What the command's exit code means (docs/exit-codes.md); after a signal it is 128 and the signal's number. */
export const exitCodes = {
  done: 0,
  /** Something failed: a runtime, a disk, some of the images. */
  failure: 1,
  /** A mistake in usage or data. */
  mistake: 2,
  /** `predict --fail-on-anomaly` found one. */
  anomaly: 3,
} as const
