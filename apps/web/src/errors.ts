/** What went wrong, for people. */
export interface Friendly {
  readonly title: string
  readonly text: string
}

interface Failure {
  readonly code?: string
  readonly message?: string
  readonly hint?: string
}

// a size that 32 bits do not hold ends in SafeInt
const outOfMemory =
  /out of memory|bad_alloc|allocation failed|failed to allocate|cannot enlarge memory|std::length|\bOOM\b|SafeInt/i
const lostGpu = /device (is |was )?lost|GPUDevice|gpu.*(lost|crash)|DXGI_ERROR|external Instance/i

const isOutOfMemory = (error: unknown): boolean =>
  error instanceof RangeError || outOfMemory.test((error as Failure | null)?.message ?? '')

export const isLostGpu = (error: unknown): boolean =>
  lostGpu.test((error as Failure | null)?.message ?? '')

const titles: Readonly<Record<string, string>> = {
  IMAGE: 'This file cannot be read as an image',
  MODEL: 'This file is not a detector of this project',
  TOO_FEW_IMAGES: 'Too few images',
  NETWORK: 'A file of this site could not be loaded',
  NOT_FOUND: 'A file of this site could not be loaded',
  RUNTIME: 'The engine failed',
  CHECKPOINT: 'The stopped training does not fit these images',
}

/** A failure in the words of this page; errors of the packages keep their message and hint. */
export function friendly(error: unknown): Friendly {
  if (isOutOfMemory(error))
    return {
      title: 'Out of memory',
      text: 'The browser has no memory left for this. Close other tabs, or use a smaller detector, or fewer or smaller images.',
    }
  const { code = '', message = String(error), hint } = (error ?? {}) as Failure
  const texts: Readonly<Record<string, string>> = {
    MODEL: `${message}. Detectors are the model.onnx files made on the “Train your own” tab or by the cflow command.`,
    RUNTIME: message,
  }
  const text = texts[code] ?? (hint ? `${message}. ${hint}` : message)
  return { title: titles[code] ?? 'Something went wrong', text }
}
