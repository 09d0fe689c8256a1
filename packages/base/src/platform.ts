/**
 * Types of what Node and browsers both have. They are those of TypeScript's `dom` library or of `@types/node` where a
 * program has either, and otherwise the part of them that is used here, so that a program needs neither.
 */

export type AnyUrl = typeof globalThis extends { URL: { prototype: infer T } }
  ? T
  : { readonly href: string }

export type AnyBlob = typeof globalThis extends { Blob: { prototype: infer T } }
  ? T
  : { readonly size: number; readonly type: string; arrayBuffer(): Promise<ArrayBuffer> }

export type AnyAbortSignal = typeof globalThis extends { AbortSignal: { prototype: infer T } }
  ? T
  : { readonly aborted: boolean; throwIfAborted(): void }

/** Of what only pages have: its type, by its name, or none without the `dom` library. */
export type InPages<Name extends string> =
  typeof globalThis extends Record<Name, { prototype: infer T }> ? T : never
