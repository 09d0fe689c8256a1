// Pages that are made of what stands elsewhere: the reference (doc comments), the packages' READMEs, the table of settings.
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { readSurface, workspace } from './surface.ts'

const docs = join(workspace, 'docs')
const write = (path: string, text: string): void => {
  mkdirSync(dirname(join(docs, path)), { recursive: true })
  writeFileSync(join(docs, path), text)
}
const read = (path: string): string => readFileSync(join(workspace, path), 'utf8')
for (const made of ['reference', 'packages'])
  rmSync(join(docs, made), { recursive: true, force: true })

// the reference: a page for every path that can be imported
const { app, project } = await readSurface({
  plugin: ['typedoc-plugin-markdown'],
  ...({
    router: 'module',
    entryFileName: 'index',
    hidePageHeader: true,
    hideBreadcrumbs: true,
    parametersFormat: 'table',
    interfacePropertiesFormat: 'table',
    typeAliasPropertiesFormat: 'table',
    expandObjects: false,
    useHTMLAnchors: false,
    sanitizeComments: true,
    outputs: [{ name: 'markdown', path: join(docs, 'reference') }],
  } as object),
})
await app.generateOutputs(project)
for (const file of readdirSync(join(docs, 'reference'), { recursive: true, encoding: 'utf8' }))
  if (file.endsWith('.md')) {
    const path = join(docs, 'reference', file)
    // a code block of a signature is no example
    writeFileSync(path, readFileSync(path, 'utf8').replaceAll('```ts\n', '```ts signature\n'))
  }

// READMEs of packages and apps, as pages of the site
const readmes = [
  ...readdirSync(join(workspace, 'packages')).map((name) => [`packages/${name}`, name] as const),
  ...['cli', 'server', 'web'].map((name) => [`apps/${name}`, name] as const),
  ['deploy', 'deploy'] as const,
  ['benchmarks', 'benchmarks'] as const,
]
for (const [folder, name] of readmes) {
  write(`packages/${name}.md`, read(`${folder}/README.md`))
}

// settings: the table that the command's README holds, which a test keeps to the schemas
const [, settings] = /\n## Settings\n([^]*)$/.exec(read('apps/cli/README.md')) ?? []
if (!settings) throw new Error('apps/cli/README.md has no table of settings')
write('reference/settings.md', `# Settings\n${settings.replaceAll(/<!--.*?-->\n?/g, '')}`)
