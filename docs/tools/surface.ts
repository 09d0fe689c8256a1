// What every package exports, as TypeDoc reads it from the sources and their doc comments.
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Application, Converter, type ProjectReflection, type TypeDocOptions } from 'typedoc'

export const workspace = fileURLToPath(new URL('../..', import.meta.url))

type Target = string | { readonly [condition: string]: Target }

/** The source file of an entry: in Node where that differs from browsers. */
function sourceOf(target: Target): string | undefined {
  if (typeof target === 'string') return undefined
  const own = target['@cflow/source']
  return target['node'] ? sourceOf(target['node']) : typeof own === 'string' ? own : undefined
}

/** What others may import, by its name: `@cflow/core`, `@cflow/datasets/node` … → its source file. Helpers of our tests do not count. */
export function entries(): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  for (const name of readdirSync(join(workspace, 'packages')).sort()) {
    const folder = join(workspace, 'packages', name)
    if (!existsSync(join(folder, 'package.json'))) continue
    const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
      name: string
      exports: Readonly<Record<string, Target>>
    }
    for (const [path, target] of Object.entries(manifest.exports)) {
      const source = sourceOf(target)
      if (!source || path === './testing') continue
      found.set(manifest.name + path.slice(1), join(folder, source))
    }
  }
  return found
}

/** Read all packages as one project whose modules have the names that are imported. */
export async function readSurface(
  options: TypeDocOptions = {},
): Promise<{ readonly app: Application; readonly project: ProjectReflection }> {
  const byFile = new Map([...entries()].map(([name, file]) => [file, name]))
  const app = await Application.bootstrapWithPlugins({
    entryPoints: [...byFile.keys()],
    tsconfig: join(workspace, 'docs', 'tsconfig.surface.json'),
    // types are checked elsewhere
    skipErrorChecking: true,
    excludeInternal: true,
    excludeExternals: true,
    disableGit: true,
    sourceLinkTemplate: '',
    disableSources: true,
    readme: 'none',
    logLevel: 'Error',
    validation: false,
    ...options,
  })
  app.converter.on(Converter.EVENT_CREATE_DECLARATION, (context, reflection) => {
    const file = context.getSymbolFromReflection(reflection)?.declarations?.[0]?.getSourceFile()
    const name = file && byFile.get(join(file.fileName))
    if (name && reflection.parent?.isProject()) reflection.name = name
  })
  const project = await app.convert()
  if (!project) throw new Error('the packages cannot be read')
  return { app, project }
}
