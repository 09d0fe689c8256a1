import type { Attributes } from '@cflow/graph'

export function numberAttribute(attributes: Attributes, name: string, otherwise: number): number {
  const a = attributes[name]
  return a?.kind === 'int' || a?.kind === 'float' ? a.value : otherwise
}

export function numbersAttribute(
  attributes: Attributes,
  name: string,
): readonly number[] | undefined {
  // prettier-ignore
  const a = attributes[name]
  return a?.kind === 'ints' || a?.kind === 'floats' ? a.value : undefined
}

export function textAttribute(attributes: Attributes, name: string, otherwise: string): string {
  const a = attributes[name]
  return a?.kind === 'string' ? a.value : otherwise
}
