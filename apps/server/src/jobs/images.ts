import { CflowError } from '@cflow/base'
import { makeFolder } from '@cflow/base/node'
import { copyFile, link } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import * as z from 'zod'
import type { State } from '../state/state.js'
import type { Storage } from '../state/storage.js'

/** What a data set held when a job was asked for: what is uploaded meanwhile changes nothing of it. */
const snapshotSchema = z.array(z.object({ path: z.string(), key: z.string() }))

const snapshotKey = (job: string): string => `jobs/${job}/images.json`

/**
 * Writes down what a data set holds.
 * @throws CflowError NOT_FOUND, EMPTY
 */
export async function takeSnapshot(
  { state, storage }: { readonly state: State; readonly storage: Storage },
  job: string,
  dataset: string,
): Promise<void> {
  const subject = { subject: dataset }
  if (!(await state.datasets.get(dataset)))
    throw new CflowError('NOT_FOUND', `there is no data set ${dataset}`, subject)
  const files = await state.datasets.files(dataset)
  if (files.length === 0)
    throw new CflowError('EMPTY', `the data set ${dataset} holds no images`, {
      ...subject,
      hint: `upload them: PUT /v1/datasets/${dataset}/files/good/001.png`,
    })
  const snapshot = files.map(({ path, key }) => ({ path, key }))
  await storage.put(snapshotKey(job), Buffer.from(JSON.stringify(snapshot)))
}

/** Makes a folder of what a job's data set held, without copying where a link does. */
export async function layOut(storage: Storage, job: string, folder: string): Promise<void> {
  const chunks: Uint8Array[] = []
  for await (const chunk of await storage.read(snapshotKey(job))) chunks.push(chunk)
  const files = snapshotSchema.parse(JSON.parse(Buffer.concat(chunks).toString('utf8')))
  const made = new Set<string>()
  for (const { path, key } of files) {
    const target = join(folder, ...imagePath(path).split('/'))
    const parent = dirname(target)
    if (!made.has(parent)) await makeFolder(parent)
    made.add(parent)
    const source = await storage.file(key)
    await link(source, target).catch(() => copyFile(source, target))
  }
}

const reserved = /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i
const extension =
  /\.(png|jpe?g|jpe|jfif|webp|tiff?|gif|avif|bmp|dib|p[bgpn]m|jp2|j2k|j2c|jpx|jpf)$/i

/**
 * The place of an image in its data set, such as `train/good/001.png`: it becomes a path on the machine that trains.
 * @throws CflowError USAGE
 */
export function imagePath(text: string): string {
  const path = text.normalize('NFC')
  const parts = path.split('/')
  const isName = (name: string) =>
    !/[\u0000-\u001f\u007f<>:"\\|?*]/.test(name) &&
    !/\p{Surrogate}/u.test(name) &&
    !/^[.\s]|[.\s]$/.test(name) &&
    name !== '' &&
    !reserved.test(name) &&
    Buffer.byteLength(name) <= 200
  const problem =
    parts.length > 8 || path.length > 500
      ? 'is too long, or too deep'
      : !parts.every(isName)
        ? 'is no relative path of plain names'
        : parts.slice(0, -1).some((name) => extension.test(name))
          ? 'has a folder that is called like an image'
          : extension.test(path)
            ? undefined
            : 'does not end like an image (.png, .jpg …)'
  if (problem === undefined) return path
  throw new CflowError('USAGE', `${JSON.stringify(text)} ${problem}`, {
    subject: 'path',
    hint: 'such as good/001.png, bad/scratch/002.png or ground_truth/scratch/002_mask.png',
  })
}
