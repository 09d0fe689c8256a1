import { CflowError } from '@cflow/base'
import type { WeightFormat, Weights } from '../weights.js'
import { readLegacy } from './legacy.js'
import { isZip, readZip } from './zip.js'

/**
 * A PyTorch state dict, from either of `torch.save`'s formats (zip since 1.6, and the one before). The file is
 * untrusted: it is read as data, nothing in it is executed, and a name outside a short list is refused.
 *
 * Nested dictionaries come out with their keys joined by dots. Views are made dense. float16 stays as it is (see
 * `toFloat32`), int64 too; bfloat16 becomes float32 and int16 int32, exactly.
 * @throws CflowError WEIGHTS when it is no such file, is damaged, or asks for something other than tensors
 */
export function readPth(bytes: Uint8Array): Weights {
  const tensors = isZip(bytes) ? readZip(bytes) : readLegacy(bytes)
  if (tensors.size + (tensors.unread?.size ?? 0) === 0)
    throw new CflowError('WEIGHTS', 'the file holds no tensors', {
      hint: 'save a state dict: torch.save(model.state_dict(), file)',
    })
  return tensors
}

/** PyTorch's files: a zip archive, or pickles. */
export const pth: WeightFormat = {
  name: 'pth',
  matches: (bytes) => isZip(bytes) || bytes[0] === 0x80,
  read: readPth,
}
