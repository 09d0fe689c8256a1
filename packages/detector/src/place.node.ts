import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { CflowError, messageOf } from '@cflow/base'
import { fileError, fileSize } from '@cflow/base/node'
import { decodeImage } from '@cflow/datasets/node'
import { maxModelBytes, type Place } from './sources.js'

const file = (path: string) => ({ path, read: () => readModelFile(path) })

/** Node: strings are paths, and sharp decodes; it is loaded when the first image is to be decoded. */
export const place: Place = {
  locate(where) {
    const text = String(where)
    if (/^https?:/i.test(text)) return { url: text }
    if (typeof where === 'string' && !/^file:/i.test(text)) return file(text)
    try {
      return file(fileURLToPath(text))
    } catch (cause) {
      throw new CflowError('USAGE', `${text} cannot be read: ${messageOf(cause)}`, {
        subject: text,
        hint: 'give a path, or a file:, http: or https: URL',
        cause,
      })
    }
  },
  decode: async (encoded) =>
    decodeImage(encoded instanceof Blob ? new Uint8Array(await encoded.arrayBuffer()) : encoded),
  accepts: {
    detector: 'a path, a URL, a Uint8Array, an ArrayBuffer or a Blob',
    image: 'RGB pixels, a path, a URL, or an encoded image as bytes or Blob',
  },
}

async function readModelFile(path: string): Promise<Uint8Array> {
  const hint = 'Give the model.onnx inside.'
  const expected = { code: 'MODEL', what: 'a detector file', hint } as const
  if ((await fileSize(path, expected)) > maxModelBytes)
    throw new CflowError('MODEL', `${path} is larger than 2 GiB`, { subject: path })
  return readFile(path).catch((cause: unknown) => {
    throw fileError(path, cause, expected)
  })
}
