import { showMessage } from './messages.js'

/**
 * The number in a field. One that it does not take is told of, not replaced by another.
 * @param what what it counts, for the message
 */
export function wholeNumber(field: HTMLInputElement, what: string): number | undefined {
  const [value, min, max] = [field.value, field.min, field.max].map(Number) as [
    number,
    number,
    number,
  ]
  const isFine = field.value !== '' && Number.isInteger(value) && value >= min && value <= max
  field.setAttribute('aria-invalid', String(!isFine))
  if (isFine) return value
  showMessage(
    `${what}: a whole number from ${min} to ${max}`,
    field.value === '' ? 'There is no number.' : `Not ${field.value}.`,
    'error',
  )
  field.focus()
  return undefined
}
