import { CflowError } from '@cflow/base'
import { createClient } from '@cflow/client'
import type { NewItem } from '../detect/item.js'
import { tokenHeaders } from './token.js'

const client = createClient(new URL('.', document.baseURI).href)
client.use({
  onRequest({ request }) {
    for (const [name, value] of Object.entries(tokenHeaders())) request.headers.set(name, value)
    return request
  },
})

/** The code of an error where the server asks for a token, or refuses the one it got. */
export const needsToken = 'UNAUTHENTICATED'

/** A training on the server, as far as the page shows it. */
export interface ServerJob {
  readonly id: string
  readonly kind: string
  readonly status: string
  /** What it makes, or works on. */
  readonly detector: string
  /** Share that is done, of one that runs. */
  readonly share?: number
  readonly error?: string
}

interface Refusal {
  readonly code?: string
  readonly message?: string
  readonly hint?: string
}

type Answer<T> = Promise<{ data?: T; error?: unknown }>

/** @throws CflowError UNAUTHENTICATED; NETWORK with the server's reason */
async function told<T>(answer: Answer<T>): Promise<T> {
  const { data, error } = await answer.catch((cause: unknown) => {
    throw new CflowError('NETWORK', 'the server does not answer', { cause })
  })
  if (data !== undefined) return data
  const { code, message, hint } = (error as { error?: Refusal }).error ?? {}
  throw new CflowError(
    code === needsToken ? needsToken : 'NETWORK',
    message ?? 'the server refused',
    {
      ...(hint !== undefined && { hint }),
    },
  )
}

/** The server's detectors that answer, each with the address of its file. */
export async function serverDetectors(): Promise<{ id: string; address: string }[]> {
  const { detectors } = await told(client.GET('/v1/detectors'))
  return detectors.flatMap(({ id, active_version: version }) =>
    version === undefined
      ? []
      : [{ id, address: `v1/detectors/${encodeURIComponent(id)}/versions/${version}/file` }],
  )
}

/** The server's latest jobs. */
export async function serverJobs(): Promise<ServerJob[]> {
  const { jobs } = await told(client.GET('/v1/jobs', { params: { query: { limit: 10 } } }))
  return jobs.map(({ id, kind, status, input, progress, error }) => {
    const { done, total } = (progress ?? {}) as { done?: number; total?: number }
    return {
      ...{ id, kind, status, detector: String(input['detector'] ?? '') },
      ...(status === 'running' && done !== undefined && total && { share: done / total }),
      ...(error && { error: error.message }),
    }
  })
}

/** What a name may hold on the server. */
const serverName = (name: string): string =>
  name
    .trim()
    .toLowerCase()
    .replaceAll(/[^a-z0-9._-]+/g, '-')
    .replaceAll(/^[^a-z0-9]+|[^a-z0-9]+$/g, '')
    .slice(0, 40) || 'my-parts'

/**
 * Send good images to the server and have it learn from them.
 * @param onSent told how many are there
 * @returns the detector's name there
 */
export async function trainThere(
  name: string,
  images: readonly NewItem[],
  passes: number,
  onSent: (done: number) => void,
): Promise<string> {
  const detector = serverName(name)
  const dataset = `${detector}-${Date.now()}`
  await told(client.POST('/v1/datasets', { body: { id: dataset } }))
  for (const [i, { name: file, blob }] of images.entries()) {
    const extension = /\.\w+$/.exec(file)?.[0] ?? `.${blob.type.split('/')[1] ?? 'png'}`
    const path = `good/${String(i).padStart(3, '0')}${extension}`
    const url = new URL(`v1/datasets/${dataset}/files`, document.baseURI)
    url.searchParams.set('path', path)
    const response = await fetch(url, {
      method: 'PUT',
      headers: { 'content-type': 'application/octet-stream', ...tokenHeaders() },
      body: blob,
    })
    if (!response.ok) await told(Promise.resolve({ error: await response.json() }))
    onSent(i + 1)
  }
  await told(
    client.POST('/v1/jobs', {
      body: { kind: 'train', dataset, detector, settings: { passes } } as never,
    }),
  )
  return detector
}
