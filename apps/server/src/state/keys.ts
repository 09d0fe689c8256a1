import { CflowError } from '@cflow/base'

const part = /^[A-Za-z0-9_-][A-Za-z0-9._-]*$/

/** @throws CflowError USAGE for what is no key */
export function requireKey(key: string): string {
  const parts = key.split('/')
  if (key.length <= 512 && parts.every((p) => part.test(p) && p.length <= 128)) return key
  throw new CflowError('USAGE', `${JSON.stringify(key)} is no storage key`, { subject: 'key' })
}

/** A prefix is a key, or the beginning of one that ends with a slash, or nothing. */
export const requirePrefix = (prefix: string): string =>
  prefix === '' ? '' : (requireKey(prefix.replace(/\/$/, '')), prefix)

export const notThere = (key: string, cause?: unknown): CflowError =>
  new CflowError('NOT_FOUND', `there is no ${key} in the storage`, { subject: key, cause })
