import files from '@fastify/static'
import type { FastifyInstance } from 'fastify'
import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { ServerContext } from '../context.js'

/** The web app beside this package in the workspace, once it is built. */
const beside = fileURLToPath(new URL('../../../../web/dist', import.meta.url))

/** The web app at `/`; where there is none, the reference. */
export async function webRoutes(app: FastifyInstance, { config }: ServerContext): Promise<void> {
  const options = { config: { scope: 'public' }, schema: { hide: true } } as const
  const folder = config.web ?? beside
  if (!existsSync(resolve(folder, 'index.html'))) {
    app.get('/', options, (_request, reply) => reply.redirect('/docs'))
    return
  }
  await app.register(files, { root: resolve(folder), serve: false, dotfiles: 'deny' })
  app.get('/*', options, (request, reply) => {
    const { '*': path } = request.params as { readonly '*': string }
    // so that its WASM may use threads
    reply
      .header('cross-origin-opener-policy', 'same-origin')
      .header('cross-origin-embedder-policy', 'require-corp')
    if (path !== '' && path !== 'index.html') return reply.sendFile(path)
    // so that the page knows that there is a server behind it
    const page = readFileSync(resolve(folder, 'index.html'), 'utf8')
    return reply
      .type('text/html; charset=utf-8')
      .header('cache-control', 'no-cache')
      .send(page.replace(/<html(?=[\s>])/, '<html data-server'))
  })
}
