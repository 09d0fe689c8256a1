import { CflowError, messageOf } from '@cflow/base'
import ipaddr from 'ipaddr.js'
import { lookup } from 'node:dns/promises'
import { request as http, type IncomingMessage } from 'node:http'
import { request as https } from 'node:https'
import { isIP } from 'node:net'

const redirects = 3
const milliseconds = 10_000

/** Whether an address is one of the public network: not of this machine, a private network, or a special range. */
export function isPublic(address: string): boolean {
  if (!ipaddr.isValid(address)) return false
  // an IPv4 address in IPv6 clothing is that address
  return ipaddr.process(address).range() === 'unicast'
}

/**
 * The bytes at a public address. Every host, also of redirects, is resolved once, and the connection goes to the address
 * that was checked.
 *
 * @throws CflowError FORBIDDEN for addresses that are not public, NETWORK, TOO_LARGE, USAGE
 */
export async function fetchImage(
  url: string,
  maximum: number,
  allowed: (address: string) => boolean = isPublic,
): Promise<Uint8Array> {
  const signal = AbortSignal.timeout(milliseconds)
  let at = parsed(url)
  for (let hop = 0; hop <= redirects; hop++) {
    const response = await get(at, await checkedAddress(at, allowed), signal)
    const { statusCode = 0, headers } = response
    if (statusCode >= 300 && statusCode < 400 && headers.location !== undefined) {
      response.destroy()
      at = parsed(headers.location, at)
      continue
    }
    if (statusCode !== 200) {
      response.destroy()
      throw network(at, `answered ${statusCode}`)
    }
    return read(response, at, maximum)
  }
  throw network(at, `redirects more than ${redirects} times`)
}

function parsed(url: string, base?: URL): URL {
  const at = URL.canParse(url, base) ? new URL(url, base) : undefined
  if (at && (at.protocol === 'http:' || at.protocol === 'https:') && !at.username) return at
  throw new CflowError('USAGE', 'an image’s address begins with http: or https:, without a user', {
    subject: 'url',
  })
}

async function checkedAddress(at: URL, allowed: (address: string) => boolean): Promise<string> {
  const host = at.hostname.replace(/^\[|\]$/g, '')
  const addresses = isIP(host)
    ? [host]
    : await lookup(host, { all: true }).then(
        (all) => all.map(({ address }) => address),
        (cause: unknown) => {
          throw network(at, 'is not known', cause)
        },
      )
  // one private address among public ones is as bad: which one is taken may change
  if (addresses.length > 0 && addresses.every(allowed)) return addresses[0]!
  throw new CflowError('FORBIDDEN', `${at.hostname} is not a public address`, { subject: 'url' })
}

const get = (at: URL, address: string, signal: AbortSignal): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    const family = isIP(address)
    const request = (at.protocol === 'https:' ? https : http)(
      at,
      {
        signal,
        agent: false,
        headers: { 'user-agent': 'cflow', accept: 'image/*' },
        // to the address that was checked, whatever the name means by now
        lookup: (_host, options, done) =>
          options.all ? done(null, [{ address, family }]) : done(null, address, family),
      },
      resolve,
    )
    request.on('error', (cause) =>
      reject(network(at, `cannot be fetched: ${messageOf(cause)}`, cause)),
    )
    request.end()
  })

async function read(response: IncomingMessage, at: URL, maximum: number): Promise<Uint8Array> {
  const parts: Buffer[] = []
  let bytes = 0
  try {
    for await (const part of response as AsyncIterable<Buffer>) {
      bytes += part.length
      if (bytes > maximum)
        throw new CflowError('TOO_LARGE', `the image at ${at.host} is larger than ${maximum} bytes`, { subject: 'url' }) // prettier-ignore
      parts.push(part)
    }
  } catch (error) {
    response.destroy()
    throw error instanceof CflowError ? error : network(at, 'ended early', error)
  }
  return Buffer.concat(parts)
}

const network = (at: URL, why: string, cause?: unknown): CflowError =>
  new CflowError('NETWORK', `${at.host} ${why}`, { subject: 'url', cause })
