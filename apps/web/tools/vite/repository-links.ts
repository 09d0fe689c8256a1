import type { Plugin } from 'vite'

const place = '<span id="links"></span>'

/**
 * Links to the repository and its guide at the foot of the page, where the build is told of one.
 * @param repository where its files can be looked at, such as https://host/owner/name/blob/main
 */
export function repositoryLinks(repository: string | undefined): Plugin {
  return {
    name: 'repository-links',
    transformIndexHtml(html) {
      if (!html.includes(place)) throw new Error(`index.html has no ${place}`)
      return html.replace(place, repository === undefined ? '' : linksTo(repository))
    },
  }
}

export function linksTo(repository: string): string {
  const { href } = new URL(repository)
  if (!/^https?:/.test(href)) throw new Error(`${repository} is no address of a repository`)
  const files = href.replace(/\/$/, '').replaceAll('&', '&amp;').replaceAll('"', '&quot;')
  const link = (to: string, text: string) => `<a href="${to}">${text}</a>`
  const root = files.replace(/\/(-\/)?(blob|tree)\/.*$/, '')
  return `${link(root, 'Source code')} · ${link(`${files}/docs/guide/first-detector.md`, 'Guide')} ·`
}
