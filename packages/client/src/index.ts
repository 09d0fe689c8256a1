import createFetch, { type Client as FetchClient } from 'openapi-fetch'
import type { paths } from './api.js'

/** Calls of the server, typed by its description: `client.GET('/v1/detectors')`. */
export type Client = FetchClient<paths, 'application/json'>

/**
 * A client of a server.
 * @param url where it answers, such as `http://localhost:8080`
 * @param options `token` is a bearer token, where the server needs one
 */
export function createClient(url: string, options: { readonly token?: string } = {}): Client {
  const { token } = options
  return createFetch<paths, 'application/json'>({
    baseUrl: url.replace(/\/+$/, ''),
    ...(token !== undefined && { headers: { authorization: `Bearer ${token}` } }),
  })
}

/** An image as the body of a request that takes one: `client.POST(path, { …, ...imageBody(file) })`. */
export const imageBody = (image: Blob | Uint8Array<ArrayBuffer>) => ({
  body: image as never,
  bodySerializer: (body: unknown) => body as Blob,
  headers: { 'content-type': 'application/octet-stream' },
})
