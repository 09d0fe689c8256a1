import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { docs, pages, textOf, workspace } from './blocks.js'

// links of the repository's own texts, as they are read there; those of the site are checked when it is built, too
const readmes = ['packages', 'apps'].flatMap((folder) =>
  readdirSync(join(workspace, folder)).map((name) => `${folder}/${name}/README.md`),
)
const others = ['CONTRIBUTING.md', 'SECURITY.md', 'CODE_OF_CONDUCT.md', 'examples/README.md', 'deploy/README.md', 'benchmarks/README.md'] // prettier-ignore
const texts = [...pages, ...readmes, ...others].filter((path) => existsSync(join(workspace, path)))

/** The names of a text's headings in addresses, as GitHub and VitePress make them of plain words. */
const anchorsOf = (text: string): ReadonlySet<string> =>
  new Set(
    [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
        .trim()
        .replaceAll(' ', '-'),
    ),
  )

/** Links within the site and the repository, without what is in code. */
const linksOf = (text: string): readonly string[] => {
  const prose = text.replaceAll(/```[^]*?```/g, '').replaceAll(/`[^`\n]*`/g, '')
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, link = '']) => link)
    .filter((link) => !/^(https?|mailto):/.test(link))
}

describe.each(texts.filter((page) => linksOf(textOf(page)).length > 0))('%s', (page) => {
  const links = linksOf(textOf(page))
  it('has no dead link', () => {
    const dead = links.filter((link) => {
      const [path = '', anchor] = link.split('#')
      // addresses of the site begin at its root
      const root = path.startsWith('/') ? docs : dirname(join(workspace, page))
      let file = path === '' ? join(workspace, page) : join(root, path)
      if (!existsSync(file) && existsSync(`${file}.md`)) file = `${file}.md`
      if (!existsSync(file)) return !/^\/?(reference|demo)\b/.test(path)
      if (anchor === undefined || !file.endsWith('.md') || statSync(file).isDirectory())
        return false
      return !anchorsOf(readFileSync(file, 'utf8')).has(anchor)
    })
    expect(dead).toEqual([])
  })
})

describe('the built site', () => {
  const dist = join(docs, '.vitepress/dist')
  const built = existsSync(join(dist, 'index.html'))
  const files = built ? readdirSync(dist, { recursive: true, encoding: 'utf8' }) : []

  it('has every page, search, llms.txt, and nothing from elsewhere', ({ skip }) => {
    if (!built) return skip('it is not built: npm run docs')
    for (const page of pages.filter((p) => p.startsWith('docs/')))
      expect(files).toContain(page.slice('docs/'.length).replace(/\.md$/, '.html'))
    expect(files.some((file) => /localSearchIndex/.test(file))).toBe(true)
    const summary = readFileSync(join(dist, 'llms.txt'), 'utf8')
    for (const [, path = ''] of summary.matchAll(/\]\(\/([^)]+)\)/g)) expect(files).toContain(path)
    const html = readFileSync(join(dist, 'paper/method.html'), 'utf8')
    const has = (pattern: RegExp): boolean => pattern.test(html)
    // every equation of the text, and none that is empty
    const equations = textOf('docs/paper/method.md').match(/^\$\$$/gm)!.length / 2
    expect(html.match(/class="katex-display"/g)).toHaveLength(equations)
    expect(has(/<mrow><\/mrow><annotation|katex-error/)).toBe(false)
    expect(has(/(src|href)="https?:\/\/[^"]*\.(js|css|woff2?)"/)).toBe(false)
    expect(has(/check-dark-mode/)).toBe(true)
  })

  it('has no dead link in any page, reference included', ({ skip }) => {
    if (!built) return skip('it is not built: npm run docs')
    const known = new Set(files.map((file) => `/${file.replaceAll('\\', '/')}`))
    const dead = files
      .filter((file) => file.endsWith('.html'))
      .flatMap((file) => {
        const html = readFileSync(join(dist, file), 'utf8')
        return [...html.matchAll(/<a [^>]*href="([^"#]+)(?:#[^"]*)?"/g)]
          .map(([, href = '']) => new URL(href, `http://site/${file}`))
          .filter(({ host, pathname }) => host === 'site' && !pathname.startsWith('/demo/'))
          .map(({ pathname }) => decodeURI(pathname))
          .filter(
            (path) =>
              !known.has(path) &&
              !known.has(`${path.replace(/\/$/, '')}/index.html`) &&
              !known.has(`${path}.html`),
          ) // prettier-ignore
          .map((path) => `${file}: ${path}`)
      })
    expect(dead).toEqual([])
  })
})
