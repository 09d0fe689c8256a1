import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join, posix } from 'node:path'
import { fileURLToPath } from 'node:url'
import { katex } from '@mdit/plugin-katex'
import { defineConfig, type DefaultTheme } from 'vitepress'

const docs = fileURLToPath(new URL('..', import.meta.url))
/** Where the repository can be looked at, for links to its files: without it such links are plain text. */
const repository = process.env['CFLOW_REPOSITORY_URL']
const base = process.env['CFLOW_DOCS_BASE'] ?? '/'

/** Where a page's text lies in the repository: copies of READMEs keep their links. */
function placeOf(page: string): string {
  const [, name] = /^packages\/(.+)\.md$/.exec(page) ?? []
  if (!name) return `docs/${page}`
  const folder = [`packages/${name}`, `apps/${name}`, name].find((folder) =>
    existsSync(join(docs, '..', folder, 'README.md')),
  )
  return `${folder}/README.md`
}

/** The address, on this site or in the repository, of a link as the repository has it; undefined where there is none. */
function addressOf(link: string, page: string): string | undefined {
  if (/^([a-z]+:|#|\/)/i.test(link)) return link
  const [path = '', anchor] = link.split('#')
  const target = posix.normalize(posix.join(posix.dirname(placeOf(page)), path)).replace(/\/$/, '')
  const tail = anchor ? `#${anchor}` : ''
  const [, own] = /^docs\/(.*)$/.exec(target) ?? []
  if (own !== undefined) return `/${own}${tail}`
  const [, surface] = /^packages\/([a-z]+)\/api\.md$/.exec(target) ?? []
  if (surface) return `/reference/@cflow/${surface}.md`
  const [, name] = /^(?:packages\/|apps\/)?([a-z]+)(?:\/README\.md)?$/.exec(target) ?? []
  if (name && existsSync(join(docs, 'packages', `${name}.md`))) return `/packages/${name}.md${tail}`
  return repository && `${repository}/${target}${tail}`
}

const pagesIn = (folder: string): readonly string[] =>
  existsSync(join(docs, folder))
    ? readdirSync(join(docs, folder), { recursive: true, encoding: 'utf8' })
        .filter((file) => file.endsWith('.md'))
        .map((file) => `${folder}/${file.replaceAll('\\', '/')}`)
        .sort()
    : []

const titleOf = (text: string): string =>
  (/^# (.*)$/m.exec(text)?.[1] ?? 'CFLOW-AD in TypeScript').replaceAll('\\', '')
const entry = (page: string): DefaultTheme.SidebarItem => ({
  text: titleOf(readFileSync(join(docs, page), 'utf8')).replaceAll('`', ''),
  link: `/${page.replace(/(index)?\.md$/, '')}`,
})
const group = (
  text: string,
  pages: readonly string[],
  collapsed = false,
): DefaultTheme.SidebarItem => ({ text, items: pages.map(entry), collapsed })

const guide = [
  'guide/first-detector.md',
  'guide/your-photographs.md',
  'guide/choosing.md',
  'guide/thresholds.md',
  'guide/failing.md',
]
const running = ['node', 'browser', 'server', 'python', 'csharp', 'cpp'].map(
  (p) => `deploy/${p}.md`,
)
const coming = ['coming-from/anomalib.md', 'coming-from/lookout.md']
const paper = ['paper/method.md', 'paper/reproducing.md']
const notes = [
  'default-recipe.md',
  'few-photographs.md',
  'near-copies.md',
  'tuning.md',
  'server-jobs.md',
  'exit-codes.md',
  'decisions/index.md',
]
const settings = ['reference/settings.md'].filter((page) => existsSync(join(docs, page)))
const reference = pagesIn('reference/@cflow')
const packages = pagesIn('packages')

/** What a page says in its first sentence. */
function summaryOf(text: string): string {
  const prose = text.replace(/^---\n[^]*?\n---\n/, '').replaceAll(/```[^]*?```/g, '')
  const paragraph = prose.split(/\n\n+/).find((part) => /^[A-Z*`]/.test(part)) ?? ''
  return paragraph.replaceAll('\n', ' ').replace(/([.?!]) .*$/, '$1')
}

export default defineConfig({
  title: 'CFLOW-AD in TypeScript',
  description: 'Visual anomaly detection that learns from good images only, in Node and browsers.',
  lang: 'en',
  base,
  cleanUrls: false,
  srcExclude: ['node_modules/**', 'test/**', 'tools/**'],
  head: [['link', { rel: 'icon', href: 'data:,' }]],
  themeConfig: {
    nav: [
      { text: 'Guide', link: '/guide/first-detector' },
      { text: 'Method', link: '/paper/method' },
      { text: 'Reference', link: '/reference/' },
      { text: 'Demo', link: process.env['CFLOW_DEMO_URL'] ?? `${base}demo/`, target: '_self' },
    ],
    sidebar: [
      group('Guide', guide),
      group('Where it runs', running),
      group('Coming from', coming),
      group('The paper', paper),
      group('Notes', notes),
      group('Reference', [...settings, ...reference], true),
      group('Packages', packages, true),
    ],
    search: {
      provider: 'local',
      options: {
        miniSearch: {
          searchOptions: {
            // what is written for people comes before lists of names
            boostDocument: (id: string) => (/\/(reference|packages)\//.test(id) ? 0.2 : 1),
          },
        },
      },
    },
    outline: [2, 3],
    docFooter: { prev: false, next: false },
  },
  markdown: {
    // the page has its own title; long tables are looked at sideways
    config: (md) => {
      // math is no template of Vue (the two packages have types of two versions of markdown-it)
      katex(md as never, { transformer: (html) => html.replace(/^(<[a-z]+)/, '$1 v-pre') })
      md.core.ruler.push('links-of-the-repository', ({ tokens, env }) => {
        for (const { children } of tokens)
          for (const [i, token] of (children ?? []).entries()) {
            if (token.type !== 'link_open') continue
            const address = addressOf(
              token.attrGet('href') ?? '',
              (env as { relativePath: string }).relativePath,
            )
            if (address) token.attrSet('href', address)
            else {
              token.type = 'text_open'
              token.tag = 'span'
              token.attrs = null
              const close = children!.find((t, j) => j > i && t.type === 'link_close')
              if (close) Object.assign(close, { type: 'text_close', tag: 'span' })
            }
          }
        return true
      })
    },
  },
  /** For language models: a list of the pages, each of them as Markdown, and the guides in one file. */
  buildEnd({ outDir, pages }) {
    const texts = new Map(pages.map((page) => [page, readFileSync(join(docs, page), 'utf8')]))
    for (const page of pages) {
      mkdirSync(dirname(join(outDir, page)), { recursive: true })
      copyFileSync(join(docs, page), join(outDir, page))
    }
    const line = (page: string): string => {
      const text = texts.get(page) ?? ''
      return `- [${titleOf(text)}](${base}${page}): ${summaryOf(text)}`
    }
    const section = (title: string, of: readonly string[]): string =>
      `## ${title}\n\n${of.map(line).join('\n')}\n`
    const written = [...guide, ...running, ...coming, ...paper, ...notes]
    const head = [
      '# CFLOW-AD in TypeScript',
      '> Visual anomaly detection that learns from good images only: training and inference are ONNX graphs, in Node and browsers.',
    ].join('\n\n')
    writeFileSync(
      join(outDir, 'llms.txt'),
      [
        `${head}\n`,
        section('Guide', guide),
        section('Where it runs', running),
        section('Coming from', coming),
        section('The paper', paper),
        section('Notes', notes),
        section('Reference', [...settings, ...reference]),
        section('Packages', packages),
      ].join('\n'),
    )
    writeFileSync(
      join(outDir, 'llms-full.txt'),
      [head, ...written.map((page) => texts.get(page)?.trim())].join('\n\n'),
    )
  },
})
