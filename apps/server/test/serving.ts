import { toyDetector } from '@cflow/core/testing'
import { encodePng } from '@cflow/datasets/node'
import type { RgbImage } from '@cflow/base'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import { readConfig, serve, type Config, type Served } from '../src/index.js'

/** A real server with its processes on a free port, ended after the tests of the file. */
export async function serving(
  settings: Readonly<Partial<Record<keyof Config, unknown>>> = {},
): Promise<Served & { readonly data: string }> {
  const data = await mkdtemp(join(tmpdir(), 'cflow-server-'))
  const served = await serve(
    readConfig({
      ...{ data, port: 0, example: false, logLevel: 'silent', threads: 1, jobs: 0 },
      ...settings,
    }),
  )
  afterAll(async () => {
    await served.close()
    await rm(data, { recursive: true, force: true })
  })
  return { ...served, data }
}

/** Uploads a detector that runs in milliseconds. */
export const upload = (url: string, id: string, bytes: Uint8Array = toyDetector(), query = '') =>
  fetch(`${url}/v1/detectors/${id}/versions${query}`, {
    method: 'POST',
    headers: { 'content-type': 'application/octet-stream' },
    body: new Uint8Array(bytes),
  })

export const png = async (image: RgbImage): Promise<Uint8Array<ArrayBuffer>> =>
  new Uint8Array(await encodePng(image))

export interface ErrorAnswer {
  readonly error: { readonly code: string; readonly message: string; readonly requestId: string }
}

/** Status and code of an answer. */
export const outcome = async (
  response: Promise<Response>,
): Promise<readonly [number, string | undefined]> => {
  const answer = await response
  const body = (await answer.json()) as Partial<ErrorAnswer>
  return [answer.status, body.error?.code]
}
