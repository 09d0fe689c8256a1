import { CflowError } from '@cflow/base'
import type { OpenContext } from '../../driver.js'
import { meaningOf } from './names.js'
import { wrapperDepth } from './place.js'
import type { FolderSettings } from './settings.js'
import type { FoundTree } from './tree.js'

interface Category {
  readonly name: string
  /** Below the root, with forward slashes. */
  readonly path: string
}

/**
 * Where a folder holds several sets of images, each with good ones and others, the one that is meant.
 * @param category what the user, or the folder's name, calls it
 * @returns undefined where the folder is one set itself
 * @throws CflowError USAGE that names the sets there
 */
export function categoryIn(
  root: string,
  tree: FoundTree,
  category: string,
  settings: FolderSettings,
  { trained }: OpenContext,
): Category | undefined {
  const { good, defects } = settings
  if (good !== undefined || defects !== undefined) return undefined
  const all = categoriesOf(tree)
  const chosen =
    all.find(({ name }) => name === category) ?? all.find(({ name }) => name === trained)
  if (chosen !== undefined || all.length < 2) return chosen
  const names = all.map(({ name }) => name)
  throw new CflowError(
    'USAGE',
    `${root} holds several sets of images: ${names.slice(0, 20).join(', ')}`,
    {
      subject: '--category',
      hint: `For one of them: --category ${names[0]}, or --root of its folder. If all are one set, say what their folders are with --good and --defects.`,
    },
  )
}

/** Folders side by side that are complete in themselves: with training images, or with good ones and others. */
function categoriesOf({ images }: FoundTree): readonly Category[] {
  const depth = wrapperDepth(images, (name) => isPart(name))
  const below = new Map<string, { path: string; parts: Set<string> }>()
  for (const { folders } of images) {
    const [name, ...rest] = folders.slice(depth)
    if (name === undefined || isPart(name)) continue
    const path = folders.slice(0, depth + 1).join('/')
    const own = below.get(name) ?? { path, parts: new Set() }
    below.set(name, own)
    for (const folder of rest) {
      const { split, kind, mask } = meaningOf(folder)
      if (split) own.parts.add(split)
      if (kind) own.parts.add(kind)
      if (mask) own.parts.add('mask')
      if (!split && !kind && !mask) own.parts.add('other')
    }
  }
  return [...below].flatMap(([name, { path, parts }]) => {
    const complete = parts.has('train') || (parts.has('good') && parts.size > 1)
    return complete ? [{ name, path }] : []
  })
}

/** Whether a name is that of a part of a set. */
function isPart(name: string): boolean {
  const { split, kind, mask, neutral } = meaningOf(name)
  return split !== undefined || kind !== undefined || mask === 'certain' || neutral === true
}
