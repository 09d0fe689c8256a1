import type { Plugin } from 'vite'

const named = 'new URL("brotli_dec_wasm_bg.wasm",import.meta.url)'

/** brotli-dec-wasm names a file beside it, in case that it is given none: the page gives it one, and needs no copy of that. */
export function withoutOwnWasm(): Plugin {
  return {
    name: 'without-own-wasm',
    enforce: 'pre',
    transform(code, id) {
      if (!/brotli_dec_wasm\.js$/.test(id)) return undefined
      if (!code.includes(named)) throw new Error(`${id} names its file otherwise now`)
      return { code: code.replace(named, 'undefined'), map: null }
    },
  }
}
