import { CflowError } from '@cflow/base'
import { imageExtensions, walkImages } from '@cflow/datasets/node'
import { stat } from 'node:fs/promises'
import { extname, isAbsolute, join, resolve, sep } from 'node:path'
import { glob, isDynamicPattern } from 'tinyglobby'

/** An image to score, or what is wrong with an argument. */
export type Target = { readonly path: string } | { readonly path: string; readonly error: unknown }

/**
 * The images that arguments name: files as they are, all images below a folder, and what a glob matches (of that, only
 * names that end like images). In the order of the arguments, none twice.
 * @throws CflowError NOT_FOUND or EMPTY when they name no image at all, so that of one argument all are images
 */
export async function findImages(args: readonly string[]): Promise<readonly Target[]> {
  const targets = new Map<string, Target>()
  for (const arg of args) {
    try {
      for (const path of await expand(arg))
        if (!targets.has(resolve(path))) targets.set(resolve(path), { path })
    } catch (error) {
      targets.set(resolve(arg), { path: arg, error })
    }
  }
  const all = [...targets.values()]
  const [first] = all
  if (all.every((t) => 'error' in t) && first && 'error' in first) throw first.error
  return all
}

async function expand(arg: string): Promise<readonly string[]> {
  const found = await stat(arg).catch(() => undefined)
  if (found?.isDirectory()) {
    const images = await walkImages(arg)
    if (images.length === 0)
      throw new CflowError('EMPTY', `there are no images in ${arg}`, { subject: arg })
    return images.map((image) => join(arg, image))
  }
  if (found) return [arg]
  if (!isDynamicPattern(arg))
    throw new CflowError('NOT_FOUND', `there is no ${arg}`, {
      subject: arg,
      hint: 'Check the path; relative paths start at the current folder.',
    })
  const pattern = sep === '\\' ? arg.replaceAll(sep, '/') : arg
  const matches = await glob(pattern, { absolute: isAbsolute(arg), expandDirectories: false })
  const images = matches.filter((m) => imageExtensions.includes(extname(m).toLowerCase())).sort()
  if (images.length === 0)
    throw new CflowError('EMPTY', `no image matches ${arg}`, { subject: arg })
  return images
}
