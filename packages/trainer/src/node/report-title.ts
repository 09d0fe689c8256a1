import { methodNames } from '@cflow/core'
import type { Manifest } from '@cflow/core'

/** The heading of a detector's report on a category. */
export function reportTitle(category: string, { method, encoder, inputSize }: Manifest): string {
  const how = method === 'cflow' ? encoder.name : `${methodNames[method]} on ${encoder.name}`
  return `${category}: ${how}, ${inputSize} pixels`
}
