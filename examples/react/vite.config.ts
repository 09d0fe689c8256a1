import { defineConfig } from 'vite'

// WASM with several threads needs an isolated page: these headers, on every file
const headers = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
}

export default defineConfig({
  base: './',
  build: { target: 'es2022' },
  server: { headers },
  preview: { headers },
})
