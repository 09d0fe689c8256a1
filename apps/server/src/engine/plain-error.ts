import { CflowError, messageOf } from '@cflow/base'
import type { PlainError } from './protocol.js'

export function plainError(error: unknown): PlainError {
  if (!(error instanceof CflowError)) return { code: 'INTERNAL', message: messageOf(error) }
  const { code, message, subject, hint } = error
  return {
    code,
    message,
    ...(subject !== undefined && { subject }),
    ...(hint !== undefined && { hint }),
  }
}

export const revived = ({ code, message, ...options }: PlainError): CflowError =>
  new CflowError(code, message, options)
