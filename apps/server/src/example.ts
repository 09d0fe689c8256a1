import { CflowError } from '@cflow/base'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createReadStream } from 'node:fs'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { kill, startChild } from './engine/child.js'
import type { ServerContext } from './http/context.js'
import { addDetector } from './http/upload.js'

/** The id of the built-in example. */
export const exampleId = 'example'

/** The images in a folder, as a data set of the example's name: something to send to it. */
async function addImages(
  { state, storage }: Pick<ServerContext, 'state' | 'storage'>,
  folder: string,
): Promise<void> {
  const createdAt = Date.now()
  if (!(await state.datasets.create({ id: exampleId, createdAt }))) return
  for (const name of (await readdir(folder)).filter((name) => name.endsWith('.png'))) {
    const content = await readFile(join(folder, name))
    const digest = createHash('sha256').update(content).digest('hex')
    const key = `datasets/${exampleId}/${createdAt}/${digest}`
    await storage.put(key, content)
    const path = `test/${name.replace(/-\d+\.png$/, '')}/${name}`
    await state.datasets.putFile({ dataset: exampleId, path, digest, bytes: content.length, key })
  }
}

/**
 * Adds the built-in example and some images for it: trained in a process of its own on images that are rendered, then taken as an upload is.
 * @returns false where detectors are there already
 */
export async function addExample(
  context: Pick<ServerContext, 'config' | 'engine' | 'state' | 'storage' | 'detectors'>,
  signal: AbortSignal,
): Promise<boolean> {
  if ((await context.state.detectors.list()).length > 0) return false
  const folder = await mkdtemp(join(tmpdir(), 'cflow-example-'))
  const child = startChild('engine/example-trainer', import.meta.url)
  const end = () => kill(child)
  signal.addEventListener('abort', end, { once: true })
  try {
    const path = join(folder, 'example.onnx')
    child.send({ path })
    const [code] = (await once(child, 'exit')) as [number | null]
    if (signal.aborted) return false
    if (code !== 0) throw new CflowError('RUNTIME', 'the built-in example could not be trained')
    await addImages(context, folder)
    await addDetector(context, exampleId, createReadStream(path), { activate: true })
    return true
  } finally {
    signal.removeEventListener('abort', end)
    kill(child)
    await rm(folder, { recursive: true, force: true })
  }
}
