import { CflowError } from '@cflow/base'
import type sharp from 'sharp'

let loaded: Promise<typeof sharp> | undefined

/**
 * The sharp library, loaded on first use: it brings native code, and whoever never decodes should not need it.
 * @throws CflowError RUNTIME where it is not installed or has no build for this machine
 */
export function loadSharp(): Promise<typeof sharp> {
  loaded ??= import('sharp').then(
    (module) => module.default,
    (cause: unknown) => {
      loaded = undefined
      throw new CflowError('RUNTIME', 'the image library sharp cannot be loaded', {
        subject: 'sharp',
        hint: 'Install it for this platform: npm install --include=optional sharp',
        cause,
      })
    },
  )
  return loaded
}
