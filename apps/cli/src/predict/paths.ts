import { CflowError } from '@cflow/base'
import { imageExtensions, madeFile, photographExtensions, walkFolder } from '@cflow/datasets/node'
import { stat } from 'node:fs/promises'
import { extname, isAbsolute, join, resolve, sep } from 'node:path'
import { glob, isDynamicPattern } from 'tinyglobby'

/** An image to score, or what is wrong with an argument. */
export type Target = { readonly path: string } | { readonly path: string; readonly error: unknown }

/** What arguments name. */
export interface Found {
  readonly targets: readonly Target[]
  /** Files that were passed over: results of earlier predictions and inspections, and files that are no images by their names. */
  readonly made: readonly string[]
  readonly others: readonly string[]
}

/**
 * The images that arguments name: files as they are, all images below a folder, and what a glob matches. Of folders and
 * globs only names that end like images, and no pictures that a prediction wrote. In the order of the arguments, none twice.
 * @throws CflowError NOT_FOUND or EMPTY when they name no image at all
 */
export async function findTargets(args: readonly string[]): Promise<Found> {
  const targets = new Map<string, Target>()
  const made: string[] = []
  const others: string[] = []
  for (const arg of args) {
    try {
      const found = await expand(arg)
      for (const path of found.images)
        if (!targets.has(resolve(path))) targets.set(resolve(path), { path })
      made.push(...found.made)
      others.push(...found.others)
    } catch (error) {
      targets.set(resolve(arg), { path: arg, error })
    }
  }
  const all = [...targets.values()]
  const [first] = all
  if (all.every((t) => 'error' in t) && first && 'error' in first) throw first.error
  return { targets: all, made, others }
}

/** The images alone: of one argument all that it names, or an error. @throws CflowError as `findTargets` */
export const findImages = async (args: readonly string[]): Promise<readonly Target[]> =>
  (await findTargets(args)).targets

interface Expanded {
  readonly images: readonly string[]
  readonly made: readonly string[]
  readonly others: readonly string[]
}

async function expand(arg: string): Promise<Expanded> {
  const found = await stat(arg).catch(() => undefined)
  if (found?.isDirectory()) {
    const inside = await walkFolder(arg)
    const whole = (names: readonly string[]) => names.map((name) => join(arg, name))
    const listed = { made: whole(inside.made), others: whole(inside.others) }
    return imagesOf(
      { ...listed, images: whole(inside.images) },
      `there are no images in ${arg}`,
      arg,
    )
  }
  if (found) {
    const made = found.isFile() ? await madeFile(arg) : undefined
    const what = made === 'sheet' ? 'page that inspect wrote' : 'picture that predict wrote'
    if (made !== undefined)
      throw new CflowError('IMAGE', `${arg} is a ${what}, not a photograph`, {
        subject: arg,
        hint: 'Give the photographs that it was made of.',
      })
    return { images: [arg], made: [], others: [] }
  }
  if (!isDynamicPattern(arg))
    throw new CflowError('NOT_FOUND', `there is no ${arg}`, {
      subject: arg,
      hint: 'Check the path; relative paths start at the current folder.',
    })
  const pattern = sep === '\\' ? arg.replaceAll(sep, '/') : arg
  const matches = await glob(pattern, { absolute: isAbsolute(arg), expandDirectories: false })
  const isImage = (path: string) => photographExtensions.includes(extname(path).toLowerCase())
  const images = matches.filter(isImage).sort()
  const others = matches.filter((m) => !isImage(m)).sort()
  return imagesOf({ images, made: [], others }, `no image matches ${arg}`, arg)
}

/** Without what a prediction made. @throws CflowError EMPTY when nothing is left */
async function imagesOf(found: Expanded, message: string, subject: string): Promise<Expanded> {
  const images: string[] = []
  const made = [...found.made]
  for (const path of found.images) ((await ordinaryMade(path)) ? made : images).push(path)
  if (images.length > 0) return { ...found, images, made }
  const [one] = found.others
  const hint =
    made.length > 0
      ? 'There is only what predict or inspect wrote.'
      : one === undefined
        ? `Images end with ${imageExtensions.join(' ')}.`
        : `${one} does not end like an image: ${imageExtensions.join(' ')}.`
  throw new CflowError('EMPTY', message, { subject, hint })
}

/** Whether it is an ordinary file that a prediction wrote; a pipe is told when its turn comes. */
async function ordinaryMade(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined)
  return found?.isFile() === true && (await madeFile(path)) !== undefined
}
