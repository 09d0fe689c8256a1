import { CflowError } from '@cflow/base'
import { join } from 'node:path'
import type { Dataset, FolderReading, Reading, Sample } from '../../dataset.js'
import type { OpenContext } from '../../driver.js'
import { endingOf, imageExtensions, noImages } from '../files.js'
import { formatNames } from '../images.js'
import { fileSample, type ImageFile } from '../layout.js'
import { readMaskFile, understand } from '../mask-file.js'
import { checkMasks, maskOf, type MaskRules, polarityOf } from '../masks.js'
import { categoryIn } from './categories.js'
import { kindOfFile, maskedName, meaningOf, namesDefect } from './names.js'
import { lookLikeMasks, masksBeside, matchMasks } from './pair.js'
import { flaggedFolders, type Placed, placeOf, wrapperDepth } from './place.js'
import { ambiguous, type Role, rolesOf } from './roles.js'
import type { FolderSettings } from './settings.js'
import { type FoundTree, putUnder, scanTree } from './tree.js'
import { visaSplit } from './visa.js'

/**
 * Read a folder of images: what its folders mean is told from their names and from how they lie to each other.
 * @throws CflowError USAGE for what can be read in several ways, with the flags that choose; EMPTY where there is nothing to
 *   learn from; MASK; NOT_FOUND, IO
 */
export async function readFolder(
  root: string,
  { name, category }: Pick<Dataset, 'name'> & { readonly category: string },
  settings: FolderSettings,
  context: OpenContext,
): Promise<Dataset> {
  const tree = await scanTree(root)
  const chosen = categoryIn(root, tree, category, settings, context)
  if (chosen !== undefined)
    return readFolder(join(root, chosen.path), { name, category: chosen.name }, settings, context)
  const { masks, photos } = await placed(root, tree, settings)
  if (photos.length === 0) throw nothing(root, tree)
  const beside = await masksBeside(root, photos)
  const images = photos.filter((image) => !beside.has(image.id))
  await askAboutPictures(root, images)
  const owned = matchMasks(root, masks, images, beside, (image) => image.kind !== 'good')
  const maskPaths = [...owned.values()].flat().map((id) => join(root, id))
  const polarity = settings.maskPolarity ?? (await polarityOf(maskPaths))
  const { sorted, notes } = await sortedByMasks(root, images, owned, polarity, settings)
  const split = await visaSplit(root, sorted)
  const named = sortedByFileNames(root, sorted, notes)
  const roles = split?.roles ?? rolesOf(root, named, context)

  const files = filesOf(named, roles, owned)
  if (!files.some((file) => file.split === 'train')) throw nothing(root, tree, named)
  const masked = files.flatMap(({ id, masks: own }) =>
    own ? [{ path: join(root, id), maskPaths: own.map((mask) => join(root, mask)) }] : [],
  )
  const orientation = await checkMasks(masked, settings.maskOrientation)
  const rules: MaskRules = { polarity, orientation }
  // a folder of what are no masks is told of before any work
  const step = Math.max(1, Math.ceil(masked.length / 8))
  for (const { path, maskPaths: own } of masked.filter((_, i) => i % step === 0))
    await maskOf(path, own, rules).catch((error: unknown) => {
      if (error instanceof CflowError && error.code === 'MASK') throw error
    })
  const samples = files.map((file) => fileSample(root, file, rules))
  const of = (split: Sample['split']): Sample[] => samples.filter((s) => s.split === split)
  const [train, test] = [of('train'), of('test')]
  const folders = [...foldersOf(named, roles, owned, notes), ...maskFolders(masks)]
  const warnings = [
    ...(split ? [`training and test images are those of ${split.file}`] : []),
    ...warningsOf(test, rules, settings),
    ...emptyFolders(tree),
    ...unreadTables(tree, test),
    ...madePictures(tree),
    ...(await markedGood(root, named, roles, owned, polarity)),
  ]
  const reading: Reading = { root, folders, unread: tree.unread, warnings }
  return { name, category, train, test, reading }
}

/** All images, told what their folders say, masks apart from the rest. */
async function placed(root: string, tree: FoundTree, settings: FolderSettings) {
  const flags = flaggedFolders(root, tree, settings)
  const certain = (name: string): boolean => {
    const { split, kind, mask } = meaningOf(name)
    return split !== undefined || kind !== undefined || mask === 'certain' || namesDefect(name)
  }
  const base = wrapperDepth(tree.images, certain)
  const folders = new Set(tree.folders)
  const notMasks = new Set<string>()
  for (const path of tree.folders) {
    const name = path.slice(path.lastIndexOf('/') + 1)
    if (meaningOf(name).mask === 'certain' || maskedName(name) === undefined) continue
    const inside = tree.images.filter(({ id }) => id.startsWith(`${path}/`))
    if (!(await lookLikeMasks(inside.map(({ id }) => join(root, id))))) notMasks.add(path)
  }
  const all = tree.images.map((image) => placeOf(image, base, flags, folders, notMasks))
  return {
    masks: all.filter((i) => i.isMask && i.flag !== 'ignore'),
    photos: all.filter((i) => !i.isMask),
  }
}

/**
 * Folders whose names say nothing, and whose images look like masks although others do not.
 * @throws CflowError USAGE that asks what they are
 */
async function askAboutPictures(root: string, images: readonly Placed[]): Promise<void> {
  const folders = new Map<string, string[]>()
  const others: string[] = []
  for (const { unknown, id } of images)
    if (unknown === undefined) others.push(join(root, id))
    else putUnder(folders, unknown, join(root, id))
  for (const [folder, paths] of folders) {
    if (!(await lookLikeMasks(paths))) continue
    const rest = [...others, ...[...folders].flatMap(([name, own]) => (name === folder ? [] : own))]
    if (rest.length === 0 || (await lookLikeMasks(rest))) continue
    throw ambiguous(root, `${folder} holds pictures of few colours, as masks are`, [
      ['they are masks', `--masks ${folder}`],
      ['they are images of defects', `--defects ${folder}`],
      ['they are left out', `--ignore ${folder}`],
    ])
  }
}

function nothing(root: string, tree: FoundTree, images: readonly Placed[] = []): CflowError {
  const unread = Object.keys(tree.unread)
  if (tree.images.length === 0 && unread.length > 0)
    return new CflowError(
      'EMPTY',
      `there are no images in ${root} that can be read, only ${unread.join(', ')}`,
      {
        subject: root,
        hint: `Convert them to one of ${formatNames}.`,
      },
    )
  const train = tree.folders.find((path) => meaningOf(path).split === 'train')
  if (images.length === 0) return noImages(train === undefined ? root : join(root, train))
  return new CflowError('EMPTY', `there are no good images to learn from in ${root}`, {
    subject: root,
    hint: `Name their folder with --good. Folders there: ${tree.folders.slice(0, 12).join(', ')}.`,
  })
}

/**
 * Images that lie in no class, sorted by their masks where these tell: an empty mask, or none where the others are of defects
 * only, is that of a good image.
 */
async function sortedByMasks(
  root: string,
  images: readonly Placed[],
  owned: ReadonlyMap<string, readonly string[]>,
  polarity: MaskRules['polarity'],
  settings: FolderSettings,
) {
  const notes = new Map<string, string>()
  const isOpen = (image: Placed): boolean =>
    image.kind === undefined &&
    image.flag === undefined &&
    image.aside === undefined &&
    image.split !== 'private'
  const noKind = images.every((i) => i.kind === undefined && i.split === undefined)
  const allMasked = images.every((i) => owned.has(i.id) || !isOpen(i))
  const groups = new Map<string, Placed[]>()
  for (const image of images) {
    const unsorted = isOpen(image) && (image.className === undefined || (noKind && allMasked))
    if (!unsorted) continue
    putUnder(groups, image.split ?? 'none', image)
  }
  const kinds = new Map<string, 'good' | 'bad' | 'out'>()
  const split = images.some((i) => i.split === 'train') && images.some((i) => i.split === 'test')
  for (const group of groups.values()) {
    const withMask = group.filter((i) => owned.has(i.id))
    if (withMask.length === 0) continue
    for (const image of withMask) {
      let marked = false
      for (const mask of owned.get(image.id)!)
        marked ||= understand(await readMaskFile(join(root, mask)), polarity).share > 0
      kinds.set(image.id, marked ? 'bad' : 'good')
    }
    const without = group.filter((i) => !owned.has(i.id))
    const someEmpty = withMask.some((i) => kinds.get(i.id) === 'good')
    const first = without[0]
    if (first !== undefined && settings.unmasked === undefined && (someEmpty || !split))
      throw ambiguous(
        root,
        `${without.length} of ${group.length} images in ${first.group} have no mask, such as ${first.id}, and only masks tell which are defective`,
        [
          ['they are good', '--unmasked good'],
          ['nobody looked at them', '--unmasked ignore'],
        ],
      )
    for (const { id } of without) kinds.set(id, settings.unmasked === 'ignore' ? 'out' : 'good')
    for (const { id, group: folder } of group)
      if (kinds.get(id) !== 'out')
        notes.set(
          `${folder} ${kinds.get(id)}`,
          kinds.get(id) === 'good'
            ? 'good by their empty or missing masks'
            : 'defective by their masks',
        )
  }
  const sorted = images.map((image): Placed => {
    const kind = kinds.get(image.id)
    if (kind === undefined) return image
    if (kind === 'out') return { ...image, flag: 'ignore' }
    return { ...image, kind, className: undefined, defect: 'defect' }
  })
  return { sorted, notes }
}

/**
 * Images that lie in no class, where the names of the files say which are defective: `ok_01.png` beside `ng_07.png`.
 * @throws CflowError USAGE where some of those to learn from are named as defective and others not at all
 */
function sortedByFileNames(
  root: string,
  images: readonly Placed[],
  notes: Map<string, string>,
): readonly Placed[] {
  const isOpen = (i: Placed): boolean =>
    i.kind === undefined &&
    i.className === undefined &&
    i.flag === undefined &&
    i.aside === undefined
  const kinds = new Map<string, 'good' | 'bad'>()
  for (const split of new Set(images.filter(isOpen).map((i) => i.split))) {
    const own = images.filter((i) => isOpen(i) && i.split === split)
    const told = own.map((i) => kindOfFile(i.stem))
    if (!told.includes('bad')) continue
    if (told.every((kind) => kind !== undefined)) {
      own.forEach(({ id, group }, i) => {
        kinds.set(id, told[i]!)
        notes.set(`${group} ${told[i]!}`, 'told by the names of the files')
      })
      continue
    }
    if (split === 'test' || split === 'private') continue
    const bad = own[told.indexOf('bad')]!
    throw ambiguous(
      root,
      `the name of ${bad.id} says that it is defective, and it lies among images to learn from`,
      [
        ['all of them are good', `--good ${bad.group}`],
        ['some are not', 'sort them into good and bad'],
      ],
    )
  }
  return images.map((image) => {
    const kind = kinds.get(image.id)
    return kind === undefined ? image : { ...image, kind, defect: 'defect' }
  })
}

/** The images that are used: to judge by, those of a set without a test split with the defective ones first; to learn from. */
function filesOf(
  images: readonly Placed[],
  roles: ReadonlyMap<string, Role>,
  owned: ReadonlyMap<string, readonly string[]>,
): readonly ImageFile[] {
  const files = images.flatMap((image): (readonly [file: ImageFile, last: boolean])[] => {
    const role = roles.get(image.id)!
    if ('out' in role) return []
    const { split, defect } = role
    const masks = defect === 'good' ? undefined : owned.get(image.id)
    const last = split === 'test' && defect === 'good' && image.split !== 'test'
    return [[{ id: image.id, split, defect, ...(masks && { masks }) }, last]]
  })
  const those = (last: boolean) => files.flatMap(([file, own]) => (own === last ? [file] : []))
  return [...those(false), ...those(true)]
}

/** What was made of each folder, in order. */
function foldersOf(
  images: readonly Placed[],
  roles: ReadonlyMap<string, Role>,
  owned: ReadonlyMap<string, readonly string[]>,
  notes: ReadonlyMap<string, string>,
): readonly FolderReading[] {
  const rows = new Map<string, FolderReading>()
  for (const { id, group, kind } of images) {
    const role = roles.get(id)!
    const what = 'out' in role ? { role: 'left out' as const, why: role.out } : taken(role)
    const note = kind && notes.get(`${group} ${kind}`)
    const key = JSON.stringify([group, what.role, 'defect' in what ? what.defect : '', what.why])
    const why = [note, what.why].filter(Boolean).join('; ')
    const row = rows.get(key) ?? {
      folder: group,
      ...what,
      ...(why !== '' && { why }),
      images: 0,
      masks: 0,
    }
    const masks = row.masks + (owned.has(id) ? 1 : 0)
    rows.set(key, { ...row, images: row.images + 1, masks })
  }
  return [...rows.values()]
}

function taken(role: Exclude<Role, { readonly out: string }>) {
  const why = role.why === undefined ? {} : { why: role.why }
  if (role.split === 'train') return { role: 'train' as const, ...why }
  if (role.defect === 'good') return { role: 'test good' as const, ...why }
  if (role.defect === 'unknown') return { role: 'test unknown' as const, ...why }
  return { role: 'test defect' as const, defect: role.defect, ...why }
}

function maskFolders(masks: readonly Placed[]): readonly FolderReading[] {
  const counts = new Map<string, number>()
  for (const { group } of masks) counts.set(group, (counts.get(group) ?? 0) + 1)
  return [...counts].map(([folder, images]) => ({ folder, role: 'masks', images, masks: 0 }))
}

/** Folders that say what their images are, and hold none. */
function emptyFolders({ folders, images }: FoundTree): readonly string[] {
  const full = new Set(
    images.flatMap((i) => i.folders.map((_, n) => i.folders.slice(0, n + 1).join('/'))),
  )
  return folders
    .filter((path) => {
      const { kind, split, mask } = meaningOf(path.slice(path.lastIndexOf('/') + 1))
      const parent = path.slice(0, Math.max(0, path.lastIndexOf('/')))
      return (
        (kind ?? split ?? (mask === 'certain' ? mask : undefined)) !== undefined &&
        !full.has(path) &&
        (parent === '' || full.has(parent))
      )
    })
    .map((path) => `${path} holds no images that are read`)
}

/** Heat maps and masks of a prediction, which are nobody's photographs and no ground truth. */
function madePictures({ made }: FoundTree): readonly string[] {
  const pictures = made.filter((path) => imageExtensions.includes(endingOf(path)))
  const [first] = pictures
  if (first === undefined) return []
  const more = pictures.length > 1 ? ` (and ${pictures.length - 1} more)` : ''
  return [`${first}${more} is left out: predict wrote it`]
}

/** Files that may say which images are defective, where nothing else does. */
function unreadTables({ tables }: FoundTree, test: readonly Sample[]): readonly string[] {
  const [first] = tables
  if (first === undefined || test.some((s) => s.label === 'anomalous')) return []
  const more = tables.length > 1 ? ` (and ${tables.length - 1} more)` : ''
  return [`${first}${more} is not read: only folders, names and masks tell which images are good`]
}

/** Good images whose masks mark a defect; of many, some are looked at. */
async function markedGood(
  root: string,
  images: readonly Placed[],
  roles: ReadonlyMap<string, Role>,
  owned: ReadonlyMap<string, readonly string[]>,
  polarity: MaskRules['polarity'],
): Promise<readonly string[]> {
  const good = images.filter(({ id, className }) => {
    const role = roles.get(id)!
    return 'split' in role && role.defect === 'good' && className !== undefined && owned.has(id)
  })
  const step = Math.max(1, Math.ceil(good.length / 64))
  const marked: string[] = []
  for (const { id } of good.filter((_, i) => i % step === 0))
    for (const mask of owned.get(id)!) {
      const read = await readMaskFile(join(root, mask)).then(
        (stored) => understand(stored, polarity),
        () => undefined,
      )
      if (read !== undefined && read.share > 0 && read.share < 1) marked.push(id)
    }
  if (marked.length === 0) return []
  return [`the mask of ${marked[0]!} marks a defect, and its folder says good`]
}

function warningsOf(test: readonly Sample[], { polarity }: MaskRules, settings: FolderSettings) {
  const warnings: string[] = []
  if (polarity === 'dark' && settings.maskPolarity === undefined)
    warnings.push(
      'the masks are light with dark shapes: what is dark is taken for the defect (--mask-polarity light says otherwise)',
    )
  const has = (label: Sample['label']) => test.some((s) => s.label === label)
  if (has('anomalous') && !has('good'))
    warnings.push('there are no good test images: false alarms cannot be measured')
  const masked = test.filter((s) => s.loadMask).length
  const defective = test.filter((s) => s.label === 'anomalous').length
  if (masked > 0 && masked < defective)
    warnings.push(
      `${defective - masked} of ${defective} defective test images have no mask: they count for whole images, not for pixels`,
    )
  return warnings
}
