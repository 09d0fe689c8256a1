import { CflowError } from '@cflow/base'
import { join } from 'node:path'
import { fault } from '../files.js'
import { readMaskFile, type StoredMask, understand } from '../mask-file.js'
import { imageStems, meaningOf } from './names.js'
import type { Placed } from './place.js'
import { type FoundImage, putUnder } from './tree.js'

/** How many files are looked at to tell masks from photographs. */
const looks = 6

/**
 * Whether files are masks by what they show: few colours, or two with soft edges. Files that cannot be read say
 * nothing; where none can, they are no masks.
 * @param paths of files that are named alike; some of them, evenly spread, are decoded
 */
export async function lookLikeMasks(paths: readonly string[]): Promise<boolean> {
  const step = Math.max(1, Math.floor(paths.length / looks))
  let masks = 0
  for (const path of paths.filter((_, i) => i % step === 0).slice(0, looks)) {
    const stored = await readMaskFile(path).catch(() => undefined)
    if (stored === undefined) continue
    if (!isMask(stored)) return false
    masks++
  }
  return masks > 0
}

function isMask(stored: StoredMask): boolean {
  try {
    understand(stored)
    return true
  } catch {
    return false
  }
}

/**
 * Masks that lie beside their images, told by name (`10000_GT.png` of `10000.png`; `a.png` of `a.jpg`) and by what they
 * show.
 * @param images all that are no masks yet
 * @returns image by the id of its mask
 */
export async function masksBeside(
  root: string,
  images: readonly FoundImage[],
): Promise<ReadonlyMap<string, FoundImage>> {
  const byStem = new Map<string, FoundImage[]>()
  const keyOf = (folders: readonly string[], stem: string) =>
    `${folders.join('/')}/${stem.toLowerCase()}`
  for (const image of images) {
    putUnder(byStem, keyOf(image.folders, image.stem), image)
  }
  /** Pairs by how they are named: files that are named alike are alike. */
  const named = new Map<string, (readonly [mask: FoundImage, image: FoundImage])[]>()
  const add = (how: string, mask: FoundImage, image: FoundImage) =>
    putUnder(named, how, [mask, image])
  for (const image of images) {
    for (const { stem } of imageStems(image.stem).slice(1)) {
      const owner = byStem.get(keyOf(image.folders, stem))?.[0]
      if (owner) add('suffix', image, owner)
    }
  }
  for (const twins of byStem.values())
    for (const mask of twins)
      for (const image of twins)
        if (mask !== image) add(`${mask.extension} of ${image.extension}`, mask, image)
  const found = new Map<string, FoundImage>()
  const areMasks = (images: readonly FoundImage[]) =>
    lookLikeMasks(images.map(({ id }) => join(root, id)))
  for (const [how, pairs] of named) {
    if (!(await areMasks(pairs.map(([mask]) => mask)))) continue
    // a suffix says which is which; of two files of one name it is told by what they show
    const told = how === 'suffix' || / of \.j(pe?g|pe|fif)$/.test(how)
    if (told || !(await areMasks(pairs.map(([, image]) => image))))
      for (const [mask, image] of pairs) if (!found.has(image.id)) found.set(mask.id, image)
  }
  return found
}

/** Whether an image counts as defective where several have the name of a mask. */
type IsSuspect = (image: Placed) => boolean

/**
 * Give images their masks. A mask lies in the same relative place as its image: in the same folders, but for those that say
 * mask, image, split or just good or bad. It has its image's name, with `_mask` or the like or without, or lies in a folder
 * of that name together with other masks of the image. Where masks lie in no subfolder at all, one whose name only one image
 * has is that image's.
 * @param beside masks that lie beside their images, by id
 * @returns ids of masks by id of the image, in order
 * @throws CflowError MASK for a mask without an image, or with several; for two of one image
 */
export function matchMasks(
  root: string,
  masks: readonly Placed[],
  images: readonly Placed[],
  beside: ReadonlyMap<string, FoundImage>,
  isSuspect: IsSuspect,
): ReadonlyMap<string, readonly string[]> {
  const byKey = new Map<string, Set<Placed>>()
  const byName = new Map<string, Placed[]>()
  for (const image of images) {
    const stem = image.stem.toLowerCase()
    putUnder(byName, stem, image)
    for (const place of placesOf(image)) {
      const key = [...place, stem].join('/')
      byKey.set(key, (byKey.get(key) ?? new Set()).add(image))
    }
  }
  const exact = new Map(images.map((i) => [[...i.place, i.stem.toLowerCase()].join('/'), i]))
  const found = new Map<string, { id: string; several: boolean }[]>()
  for (const mask of masks) {
    const { owner, several } = ownerOf(root, mask, { exact, byKey, byName }, isSuspect)
    putUnder(found, owner.id, { id: mask.id, several })
  }
  for (const [mask, image] of beside) putUnder(found, image.id, { id: mask, several: true })
  const result = new Map<string, readonly string[]>()
  for (const [image, own] of found) {
    if (own.length > 1 && !own.every(({ several }) => several)) {
      const [one, other] = own.map(({ id }) => join(root, id))
      throw new CflowError('MASK', `${image} has two masks: ${one} and ${other}`, {
        subject: other!,
        hint: 'Keep one of them; several masks of one image lie in a folder of its name.',
      })
    }
    result.set(
      image,
      own.map(({ id }) => id),
    )
  }
  return result
}

/** Places in which the mask of an image may lie: with and without words of split and class. */
function placesOf({ place, kind }: Placed): readonly (readonly string[])[] {
  let places: (readonly string[])[] = [[]]
  for (const word of place) {
    const kept = places.map((p) => [...p, word])
    // the mask of a good image lies in a folder named good too
    const optional = word.startsWith(':') && !(kind === 'good' && meaningOf(word.slice(1)).kind)
    places = optional ? [...kept, ...places] : kept
  }
  return places
}

function ownerOf(
  root: string,
  mask: Placed,
  known: {
    readonly exact: ReadonlyMap<string, Placed>
    readonly byKey: ReadonlyMap<string, ReadonlySet<Placed>>
    readonly byName: ReadonlyMap<string, readonly Placed[]>
  },
  isSuspect: IsSuspect,
): { readonly owner: Placed; readonly several: boolean } {
  const path = join(root, mask.id)
  const stems = imageStems(mask.stem.toLowerCase())
  const keys = stems.map(({ stem, several }) => ({ key: [...mask.place, stem].join('/'), several }))
  // a folder of masks for each image
  if (mask.place.length > 0) keys.push({ key: mask.place.join('/'), several: true })
  for (const { key, several } of keys) {
    const owner = known.exact.get(key)
    if (owner) return { owner, several }
    const all = [...(known.byKey.get(key) ?? [])]
    const suspects = all.filter(isSuspect)
    // masks are of images to judge by, where images to learn from have the same names
    const tested = suspects.filter((i) => i.split === 'test')
    if (suspects.length > 1 && tested.length !== 1) throw severalImages(path, suspects)
    const [one = all[0]] = tested.length === 1 ? tested : suspects
    if (one) return { owner: one, several }
  }
  for (const { stem, several } of stems) {
    const namesakes = known.byName.get(stem) ?? []
    if (mask.place.length > 0 || namesakes.length === 0) continue
    const suspects = namesakes.filter(isSuspect)
    if (suspects.length > 1) throw severalImages(path, suspects)
    if (namesakes.length === 1) return { owner: namesakes[0]!, several }
  }
  const elsewhere = stems.flatMap(({ stem }) => known.byName.get(stem) ?? []).filter(isSuspect)
  const [candidate] = elsewhere
  throw new CflowError('MASK', `there is no image for the mask ${path}`, {
    subject: path,
    hint: candidate
      ? `An image of that name is ${candidate.id}: its mask lies in the same subfolders, or leave the masks out with --ignore.`
      : 'A mask has the name of its image, with or without _mask before the ending, and lies in the same subfolders.',
  })
}

function severalImages(path: string, images: readonly Placed[]): CflowError {
  const shown = images.slice(0, 3).map(({ id }) => id)
  const ids = [...shown, ...(images.length > 3 ? [`${images.length - 3} more`] : [])].join(', ')
  const hint = 'Put masks into the same subfolders as their images.'
  return fault('MASK', path, `fits several images: ${ids}`, hint)
}
