import { methodTitle, type Manifest } from '@cflow/core'

/** The heading of a detector's report on a category. */
export function reportTitle(category: string, manifest: Manifest): string {
  const { method, encoder, inputSize } = manifest
  const how = method === 'cflow' ? encoder.name : `${methodTitle(manifest)} on ${encoder.name}`
  return `${category}: ${how}, ${inputSize} pixels`
}
