import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { HtmlTagDescriptor, Plugin } from 'vite'

/** The picture that other sites show where they link to the page; the page itself does not. */
export const shareFile = 'share.jpg'

/**
 * The page's address and picture for sites that link to it, which must be absolute: where the build is told of an address.
 * @param site where the page is, such as https://host/folder
 */
export function sharing(site: string | undefined): Plugin {
  const tags = site ? tagsOf(site) : []
  let root = ''
  return {
    name: 'sharing',
    configResolved(config) {
      root = config.root
    },
    generateBundle() {
      if (tags.length === 0) return
      const source = readFileSync(join(root, 'generated', shareFile))
      this.emitFile({ type: 'asset', fileName: shareFile, source })
    },
    transformIndexHtml: () => [...tags],
  }
}

export function tagsOf(site: string): readonly HtmlTagDescriptor[] {
  if (!URL.canParse(site) || !/^https?:/.test(site))
    throw new Error(`CFLOW_SITE is ${site}, and must be the page's address: https://host/folder`)
  const { origin, pathname } = new URL(site)
  const page = `${origin}${pathname.replace(/(index\.html|\/)$/, '').replace(/\/?$/, '/')}`
  const meta = (attrs: Record<string, string>): HtmlTagDescriptor => ({
    ...{ tag: 'meta', attrs, injectTo: 'head' },
  })
  const property = (property: string, content: string) => meta({ property, content })
  return [
    property('og:url', page),
    property('og:image', new URL(shareFile, page).href),
    property('og:image:type', 'image/jpeg'),
    property('og:image:width', '1200'),
    property('og:image:height', '630'),
    property('og:image:alt', 'A cable with a defect, and where the detector sees it'),
    meta({ name: 'twitter:card', content: 'summary_large_image' }),
  ]
}
