import { CflowError } from '@cflow/base'
import { createHash, randomUUID } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Transform, type Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { VersionRecord } from '../state/state.js'
import type { ServerContext } from './context.js'

/** Where bytes lie while they are checked. */
const folderOf = (data: string): string => join(data, 'incoming')

/** Removes what a server that was killed left half uploaded. */
export async function clearIncoming(data: string): Promise<void> {
  await rm(folderOf(data), { recursive: true, force: true })
}

/**
 * Takes a detector file: received whole, checked, stored, and only then named. What is refused leaves nothing.
 *
 * @throws CflowError MODEL, TOO_LARGE, DIGEST
 */
export async function addDetector(
  context: Pick<ServerContext, 'config' | 'engine' | 'state' | 'storage' | 'detectors'>,
  detector: string,
  body: Readable,
  options: { readonly activate: boolean; readonly digest?: string | undefined },
): Promise<VersionRecord> {
  const { config, engine, state, storage } = context
  const folder = folderOf(config.data)
  await mkdir(folder, { recursive: true })
  const path = join(folder, `${randomUUID()}.onnx`)
  try {
    const { digest, bytes } = await receive(body, path, config.maxModelBytes)
    if (bytes === 0) throw new CflowError('MODEL', 'the upload is empty', { subject: 'model' })
    if (options.digest !== undefined && options.digest.toLowerCase() !== digest)
      throw new CflowError('DIGEST', `the SHA-256 of what arrived is ${digest}`, {
        subject: 'sha256',
        hint: 'upload the file again',
      })
    const { summary } = await engine.check(path)
    // its own, so that removing another version never takes these bytes away
    const key = `detectors/${digest}-${randomUUID()}.onnx`
    await storage.put(key, createReadStream(path), { digest })
    const record = await state.detectors.addVersion(
      { detector, createdAt: Date.now(), digest, bytes, key, summary, source: { kind: 'upload' } },
      { activate: options.activate },
    )
    context.detectors.forget(detector)
    return record
  } finally {
    await rm(path, { force: true })
  }
}

async function receive(body: Readable, path: string, maximum: number) {
  const hash = createHash('sha256')
  let bytes = 0
  const meter = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length
      hash.update(chunk)
      if (bytes > maximum) done(tooLarge(maximum))
      else done(null, chunk)
    },
  })
  const broken = (error?: Error): void => {
    meter.destroy(error ?? new CflowError('USAGE', 'the upload broke off', { subject: 'body' }))
  }
  body.once('error', broken)
  body.once('aborted', broken)
  body.pipe(meter)
  try {
    await pipeline(meter, createWriteStream(path))
  } catch (error) {
    // the rest is read and dropped, so that a client that is still sending comes to read the answer
    body.unpipe(meter)
    body.resume()
    throw error
  }
  // a part of a form that is cut at its limit
  if ((body as { readonly truncated?: boolean }).truncated) throw tooLarge(maximum)
  return { digest: hash.digest('hex'), bytes }
}

const tooLarge = (maximum: number): CflowError =>
  new CflowError('TOO_LARGE', `the file is larger than ${maximum} bytes`, { subject: 'model' })
