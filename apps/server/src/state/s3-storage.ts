import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  S3Client,
} from '@aws-sdk/client-s3'
import { Upload } from '@aws-sdk/lib-storage'
import { CflowError, messageOf } from '@cflow/base'
import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { rm, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { shrinkCache } from './cache.js'
import { writeChunks } from './files.js'
import { hashing } from './hashing.js'
import { notThere, requireKey, requirePrefix } from './keys.js'
import type { Storage } from './storage.js'

/** Bytes of one part of an upload, and how many are on their way at a time. */
const partSize = 8 << 20
const partsAtOnce = 2

/**
 * Bytes in a bucket of an S3-compatible storage. Credentials and region come from where the AWS SDK looks for them
 * (`AWS_ACCESS_KEY_ID` …); `endpoint` and `region` may stand in the address.
 *
 * @param address `s3://bucket/prefix?endpoint=http://host:9000&region=eu-central-1`
 * @param cache folder of what `file` fetched; bytes under a key never change, so nothing in it is ever stale
 * @param most bytes in it; beyond them what was asked for longest ago goes, unless that was in the last ten minutes
 */
export function s3Storage(address: string, cache: string, most = Infinity): Storage {
  const url = new URL(address)
  const bucket = url.hostname
  const prefix = url.pathname.replace(/^\/+|\/+$/g, '')
  const endpoint = url.searchParams.get('endpoint')
  const region = url.searchParams.get('region')
  const client = new S3Client({
    ...(region !== null && { region }),
    ...(region === null &&
      endpoint !== null && { region: process.env['AWS_REGION'] ?? 'us-east-1' }),
    // path style: a server under one name has no names for buckets
    ...(endpoint !== null && { endpoint, forcePathStyle: true }),
    // other servers than Amazon's do not know the newer checksums
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  })
  const nameOf = (key: string) => (prefix === '' ? '' : `${prefix}/`) + key
  const at = (key: string) => ({ Bucket: bucket, Key: nameOf(requireKey(key)) })
  const cached = (key: string) => {
    const name = createHash('sha256').update(requireKey(key)).digest('hex')
    return join(cache, name.slice(0, 2), name)
  }
  const read = async (key: string) => {
    const { Body } = await client.send(new GetObjectCommand(at(key))).catch(failed(key))
    return Body as Readable
  }
  return {
    async put(key, content, expected = {}) {
      const { passing, found } = hashing(content, expected)
      let refusal: unknown
      const body = Readable.from(
        keepingError(passing(), (error) => (refusal = error)),
        {
          objectMode: false,
          highWaterMark: 1 << 18,
        },
      )
      const upload = new Upload({
        client,
        params: { ...at(key), Body: body },
        partSize,
        queueSize: partsAtOnce,
        leavePartsOnError: false,
      })
      await upload.done().catch((error: unknown) => {
        body.destroy()
        throw refusal ?? unavailable(error)
      })
      return { ...found }
    },
    read,
    async size(key) {
      const found = await client
        .send(new HeadObjectCommand(at(key)))
        .catch((error: unknown) => (isAbsence(error) ? undefined : failed(key)(error)))
      return found?.ContentLength
    },
    async file(key) {
      const path = cached(key)
      const now = new Date()
      // its time tells when it was last asked for
      if (
        await utimes(path, now, now).then(
          () => true,
          () => false,
        )
      )
        return path
      await writeChunks(path, await read(key))
      if (most < Infinity) await shrinkCache(cache, most)
      return path
    },
    async remove(key) {
      await client.send(new DeleteObjectCommand(at(key))).catch((error: unknown) => {
        if (!isAbsence(error)) failed(key)(error)
      })
      await rm(cached(key), { force: true })
    },
    async list(wanted) {
      requirePrefix(wanted)
      const keys: string[] = []
      for (let token: string | undefined, more = true; more; more = token !== undefined) {
        const page = await client
          .send(
            new ListObjectsV2Command({
              Bucket: bucket,
              Prefix: nameOf(wanted),
              ...(token !== undefined && { ContinuationToken: token }),
            }),
          )
          .catch(failed(wanted))
        for (const { Key } of page.Contents ?? []) keys.push(Key!.slice(nameOf('').length))
        token = page.IsTruncated ? page.NextContinuationToken : undefined
      }
      return keys.sort()
    },
    async ping() {
      await client.send(new HeadBucketCommand({ Bucket: bucket })).catch((error: unknown) => {
        throw unavailable(error)
      })
    },
  }
}

/** The SDK wraps what its source throws. */
async function* keepingError(
  chunks: AsyncIterable<Uint8Array>,
  keep: (error: unknown) => void,
): AsyncGenerator<Uint8Array> {
  try {
    yield* chunks
  } catch (error) {
    keep(error)
    throw error
  }
}

const isAbsence = (error: unknown): boolean => {
  const { name, $metadata } = error as { name?: string; $metadata?: { httpStatusCode?: number } }
  return name === 'NoSuchKey' || name === 'NotFound' || $metadata?.httpStatusCode === 404
}

const failed =
  (key: string) =>
  (error: unknown): never => {
    throw isAbsence(error) && (error as { name?: string }).name !== 'NoSuchBucket'
      ? notThere(key, error)
      : unavailable(error)
  }

const unavailable = (cause: unknown) =>
  new CflowError('UNAVAILABLE', `the storage does not answer: ${messageOf(cause)}`, {
    hint: 'Check CFLOW_STORAGE, the credentials, and that the bucket exists.',
    cause,
  })
