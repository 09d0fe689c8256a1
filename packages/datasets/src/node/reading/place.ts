import { CflowError } from '@cflow/base'
import type { FoundImage, FoundTree } from './tree.js'
import { isOtherModality, maskedName, meaningOf, type NameMeaning, plainName } from './names.js'

/** What a user says about folders, by path below the root or by name. */
export interface FolderFlags {
  readonly good?: readonly string[] | undefined
  readonly defects?: readonly string[] | undefined
  readonly masks?: readonly string[] | undefined
  readonly ignore?: readonly string[] | undefined
}

type Flag = keyof FolderFlags

/** An image, and what the names of its folders say of it. */
export interface Placed extends FoundImage {
  readonly split?: NameMeaning['split']
  readonly kind?: 'good' | 'bad'
  /** The folder that names its class, where one does; of unknown meaning where there is no `kind`. */
  readonly className?: string | undefined
  /** The name of its defect, should it be one. */
  readonly defect: string
  /** Path of the folder up to where its class was decided; '.' for the root. */
  readonly group: string
  /** A mask. */
  readonly isMask: boolean
  /** What the user said of it. */
  readonly flag?: Flag
  /** Why it is left alone: 'aside', or a modality that is no photograph. */
  readonly aside?: 'aside' | 'modality'
  /** Its folders say good and bad at once. */
  readonly contradiction?: boolean
  /** Path of the first folder whose name says nothing that is known. */
  readonly unknown?: string
  /** Folders that are one of a row of equals. */
  readonly series?: boolean
  /** Where it lies, without the words that say nothing, in lower case; words of split and class stand out by a colon. */
  readonly place: readonly string[]
}

/**
 * Which folders the flags mean.
 * @returns flag by path of the folder
 * @throws CflowError USAGE for a name that is no folder, or one that two flags name
 */
export function flaggedFolders(
  root: string,
  tree: FoundTree,
  flags: FolderFlags,
): ReadonlyMap<string, Flag> {
  const found = new Map<string, Flag>()
  for (const flag of ['good', 'defects', 'masks', 'ignore'] as const)
    for (const name of flags[flag] ?? []) {
      const wanted =
        name
          .replaceAll('\\', '/')
          .replace(/^\.\/|\/+$/g, '')
          .toLowerCase() || '.'
      const paths =
        wanted === '.'
          ? ['.']
          : tree.folders.filter((path) => {
              const lower = path.toLowerCase()
              return lower === wanted || lower.endsWith(`/${wanted}`)
            })
      if (paths.length === 0) {
        const some = tree.folders.slice(0, 12).join(', ')
        throw new CflowError('USAGE', `--${flag} ${name}: there is no such folder in ${root}`, {
          subject: `--${flag}`,
          hint: some ? `Folders there: ${some}.` : `There are no folders in ${root}.`,
        })
      }
      for (const path of paths) {
        const other = found.get(path)
        if (other !== undefined && other !== flag)
          throw new CflowError('USAGE', `--${other} and --${flag} both name ${path}`, {
            subject: `--${flag}`,
            hint: 'Leave it to one of them.',
          })
        found.set(path, flag)
      }
    }
  return found
}

/** How many leading folders all images share that say nothing of them. */
export function wrapperDepth(
  images: readonly FoundImage[],
  certain: (name: string) => boolean,
): number {
  const [first] = images
  if (first === undefined) return 0
  let depth = 0
  for (const name of first.folders) {
    if (certain(name) || !images.every((image) => image.folders[depth] === name)) break
    depth++
  }
  return depth
}

/**
 * What the folders of an image say of it.
 * @param base how many leading folders say nothing
 * @param notMasks folders that are named like masks and hold photographs
 */
export function placeOf(
  image: FoundImage,
  base: number,
  flags: ReadonlyMap<string, Flag>,
  folders: ReadonlySet<string>,
  notMasks: ReadonlySet<string>,
): Placed {
  let split: NameMeaning['split']
  let kind: 'good' | 'bad' | undefined
  let className: string | undefined
  let sub: string | undefined
  let unknown: string | undefined
  let generic = false
  let decided = 0
  let [isMask, contradiction, series] = [false, false, false]
  let aside: Placed['aside']
  let flag: Flag | undefined = image.folders.length === 0 ? flags.get('.') : undefined
  let flagged: string | undefined
  const place: string[] = []
  image.folders.forEach((name, i) => {
    const path = image.folders.slice(0, i + 1).join('/')
    const said = flags.get(path)
    if (said !== undefined) {
      flag = said
      flagged = path
    }
    if (i < base) return
    const meaning = meaningOf(name)
    const parent = image.folders.slice(0, i).join('/')
    const masked = maskedName(name)
    const asMask =
      said === 'masks' ||
      meaning.mask === 'certain' ||
      (meaning.mask === 'maybe' && !notMasks.has(path)) ||
      (masked !== undefined && hasSibling(parent, masked, folders) && !notMasks.has(path))
    if (asMask && said !== 'ignore') {
      isMask = true
      if (meaning.split) split ??= meaning.split
      decided = i + 1
      if (masked) place.push(...wordsOf(masked))
      return
    }
    if (isOtherModality(name) && hasPhotoSibling(parent, folders)) aside = 'modality'
    if (meaning.neutral) return
    if (meaning.split && split === undefined && kind === undefined) {
      split = meaning.split
      decided = Math.max(decided, i + 1)
    } else if (meaning.split) split ??= meaning.split
    place.push(...wordsOf(name))
    if (meaning.split && !meaning.kind) return
    if (meaning.kind) {
      if (kind !== undefined && kind !== meaning.kind) contradiction = true
      else if (kind === undefined) {
        kind = meaning.kind
        generic = meaning.generic ?? false
        className = name
        decided = i + 1
        sub = undefined
      }
      return
    }
    if (kind === undefined && !meaning.series) unknown ??= path
    if (kind !== undefined) {
      if (kind === 'bad' && generic && sub === undefined && !meaning.series) {
        sub = name
        decided = i + 1
      }
      return
    }
    const isAside = meaning.aside === 'unsorted' || (meaning.aside && split === undefined)
    if (isAside && className === undefined) {
      aside ??= 'aside'
      className = name
      decided = i + 1
    } else if (className === undefined) {
      className = name
      series = meaning.series ?? false
      decided = i + 1
    }
  })
  if (flag === 'masks') isMask = true
  else if (flag !== undefined) isMask = false
  if (flagged !== undefined) {
    decided = Math.max(decided, flagged.split('/').length)
    if (flag === 'defects') className ??= flagged.split('/').at(-1)!
  }
  const group = image.folders.slice(0, decided).join('/') || '.'
  const said = flag === 'good' ? 'good' : flag === 'defects' ? 'bad' : kind
  return {
    ...image,
    ...(split && { split }),
    ...(said && { kind: said }),
    ...(className !== undefined && { className }),
    defect: sub ?? className ?? 'defect',
    group,
    isMask,
    ...(flag && { flag }),
    ...(aside && flag === undefined && { aside }),
    ...(contradiction && flag === undefined && { contradiction }),
    ...(unknown !== undefined && flag === undefined && { unknown }),
    ...(series && { series }),
    place,
  }
}

/** The words of a folder's name that tell where an image lies; those of split and class stand out by a colon. */
function wordsOf(name: string): readonly string[] {
  const { split, kind, generic, neutral } = meaningOf(name)
  if (neutral) return []
  const own = kind && generic ? `:${kind}` : kind ? `:${plainName(name)}` : undefined
  if (split) return [`:${split}`, ...(own ? [own] : [])]
  return [own ?? plainName(name)]
}

/** Whether a folder of a name lies in a folder. */
function hasSibling(parent: string, name: string, folders: ReadonlySet<string>): boolean {
  if (name === '') return false
  const prefix = parent === '' ? '' : `${parent}/`
  for (const path of folders)
    if (path.startsWith(prefix) && plainName(path.slice(prefix.length)) === name)
      if (!path.slice(prefix.length).includes('/')) return true
  return false
}

const hasPhotoSibling = (parent: string, folders: ReadonlySet<string>): boolean =>
  ['rgb', 'RGB', 'image', 'images', 'color', 'colour'].some((name) =>
    folders.has(parent === '' ? name : `${parent}/${name}`),
  )
