import { createHmac } from 'node:crypto'

/** What is told of an event; `id` stays the same over all attempts. */
export interface Message {
  readonly id: string
  readonly type: string
  /** ISO 8601. */
  readonly timestamp: string
  readonly data: Readonly<Record<string, unknown>>
}

/** Milliseconds for an answer. */
const patience = 15_000

/** The signature of Standard Webhooks. A secret that begins with `whsec_` is base64, any other its own bytes. */
function signatureOf(secret: string, id: string, timestamp: number, body: string): string {
  const key = secret.startsWith('whsec_')
    ? Buffer.from(secret.slice('whsec_'.length), 'base64')
    : Buffer.from(secret)
  return `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')}`
}

/** Tells a web server. Throws where it does not answer with a 2xx: redirects are not followed. */
export async function sendWebhook(
  { url, secret }: { readonly url: string; readonly secret: string },
  { id, ...message }: Message,
  signal: AbortSignal,
): Promise<void> {
  const body = JSON.stringify(message)
  const timestamp = Math.floor(Date.now() / 1000)
  const answer = await fetch(url, {
    method: 'POST',
    redirect: 'manual',
    headers: {
      'content-type': 'application/json',
      'user-agent': 'cflow',
      'webhook-id': id,
      'webhook-timestamp': String(timestamp),
      'webhook-signature': signatureOf(secret, id, timestamp, body),
    },
    body,
    signal: AbortSignal.any([signal, AbortSignal.timeout(patience)]),
  })
  await answer.body?.cancel()
  if (!answer.ok) throw new Error(`it answered ${answer.status}`)
}
