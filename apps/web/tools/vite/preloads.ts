import type { Plugin } from 'vite'

/**
 * Name in the page what every first visit needs and its scripts would ask for late: it is on its way before they run.
 * @param wanted names of the built files
 */
export function preloads(...wanted: readonly RegExp[]): Plugin {
  return {
    name: 'preloads',
    apply: 'build',
    transformIndexHtml: {
      order: 'post',
      handler(_, { bundle = {} }) {
        return wanted.map((name) => {
          const file = Object.keys(bundle).find((f) => name.test(f))
          if (file === undefined) throw new Error(`the build has no file ${name}`)
          const attrs = { rel: 'preload', as: 'fetch', crossorigin: true, href: `./${file}` }
          return { tag: 'link', attrs, injectTo: 'head' as const }
        })
      },
    },
  }
}
