import { defineConfig } from 'vite'
import { ortFiles } from './tools/vite/ort-files.ts'
import { preloads } from './tools/vite/preloads.ts'
import { repositoryLinks } from './tools/vite/repository-links.ts'
import { serviceWorkerFiles } from './tools/vite/service-worker-files.ts'
import { sharing } from './tools/vite/sharing.ts'
import { sizeBudget } from './tools/vite/size-budget.ts'
import { withoutOwnWasm } from './tools/vite/without-own-wasm.ts'

/** Headers that isolate a page from others, so that WASM may use threads. */
export const isolating = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
}

// packages from source; onnxruntime-web with its WASM glue as files of their own, which its threads start from
export const conditions = [
  '@cflow/source',
  'onnxruntime-web-use-extern-wasm',
  'module',
  'browser',
  'development|production',
]

export default defineConfig({
  // relative, so that the site works in any folder of a host
  base: './',
  resolve: { conditions },
  worker: { format: 'es', plugins: () => [withoutOwnWasm()] },
  assetsInclude: ['**/*.packed', '**/*.gzipped'],
  build: {
    target: 'es2023',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1000,
    rolldownOptions: {
      input: { index: 'index.html', sw: 'src/service-worker.ts' },
      output: {
        entryFileNames: ({ name }) => (name === 'sw' ? 'sw.js' : 'assets/[name]-[hash].js'),
      },
    },
  },
  // its WASM file comes packed (src/worker/wasm.ts)
  plugins: [
    repositoryLinks(process.env['CFLOW_REPOSITORY_URL']),
    sharing(process.env['CFLOW_SITE']),
    ortFiles(['ort-wasm-simd-threaded.wasm']),
    preloads(/\.packed$/, /unpacker-/),
    serviceWorkerFiles(),
    sizeBudget(300_000),
  ],
  server: { headers: isolating },
  preview: { headers: isolating },
})
