import { CflowError, Random } from '@cflow/base'
import { join } from 'node:path'
import type { Split } from '../../dataset.js'
import type { OpenContext } from '../../driver.js'
import { fault } from '../files.js'
import { namesDefect } from './names.js'
import type { Placed } from './place.js'

/** What an image is used for, or why it is not. */
export type Role =
  | { readonly split: Split; readonly defect: string; readonly why?: string }
  | { readonly out: string }

/**
 * What every photograph is used for.
 * @param images photographs in order, those that masks sort with their kind
 * @returns role by id
 * @throws CflowError USAGE for what can be read in several ways, with the flags that choose; EMPTY
 */
export function rolesOf(
  root: string,
  images: readonly Placed[],
  context: OpenContext,
): ReadonlyMap<string, Role> {
  const roles = new Map<string, Role>()
  const leave = (image: Placed, out: string) => void roles.set(image.id, { out })
  const open: Placed[] = []
  for (const image of images) {
    const { flag, aside, split, contradiction, id } = image
    if (flag === 'ignore') leave(image, 'as --ignore says')
    else if (aside === 'modality') leave(image, 'no photographs, and photographs lie beside them')
    else if (aside === 'aside')
      leave(image, 'its name says that it was put aside: --good or --defects takes it in')
    else if (split === 'private' && flag === undefined)
      leave(image, 'test images whose truth is not known')
    else if (contradiction)
      throw ambiguous(root, `the folders of ${id} say both good and bad`, [
        ['they are good', `--good ${image.group}`],
        ['they are defective', `--defects ${image.group}`],
        ['they are left out', `--ignore ${image.group}`],
      ])
    else open.push(image)
  }
  const hasTrain = open.some((i) => i.split === 'train')
  const hasTest = open.some((i) => i.split === 'test')
  const validationTests = !hasTest && hasTrain && validationIsTest(open)
  // a folder of validation images that the user calls good or defective is used as one that has no split
  const of = (split: Placed['split'] | 'none') =>
    open.filter((i) => {
      const own = i.split === 'validation' && i.flag !== undefined ? undefined : i.split
      if (own === 'validation' && validationTests) return split === 'test'
      return (own ?? 'none') === split
    })
  for (const image of of('validation')) leave(image, validationReason(image))
  if (hasTrain || hasTest) {
    const learned = trainRoles(root, of('train'), hasTest || validationTests)
    const loose = of('none')
    const goodName = testGoodName(learned.good)
    for (const image of of('test')) roles.set(image.id, testRole(image, goodName))
    for (const image of learned.out) leave(image, reasonOf(image))
    const [good, bad] = [[...learned.good], [...learned.bad]]
    for (const image of loose) {
      if (image.flag === 'good' || (image.kind === 'good' && !hasTrain)) good.push(image)
      else if (image.kind === 'bad' && (image.flag === 'defects' || !(hasTest || validationTests)))
        bad.push(image)
      else if (image.kind !== undefined) throw besideSplits(root, image, hasTrain)
      else
        leave(
          image,
          `lies beside ${hasTrain ? 'train' : 'test'} and ${hasTrain && hasTest ? 'test' : 'is in no class'}`,
        )
    }
    spread(roles, good, bad, hasTest || validationTests ? { ...context, testFraction: 0 } : context)
    return roles
  }
  const { good, bad } = classRoles(root, of('none'))
  spread(roles, good, bad, context)
  return roles
}

/** Good images to learn from, some of them to judge by where there are defective ones; and those. */
function spread(
  roles: Map<string, Role>,
  good: readonly Placed[],
  bad: readonly Placed[],
  context: OpenContext,
): void {
  const kept = bad.length === 0 ? new Set<string>() : heldOut(good, context)
  for (const { id, defect } of bad) roles.set(id, { split: 'test', defect })
  for (const { id } of good)
    roles.set(id, { split: kept.has(id) ? 'test' : 'train', defect: 'good' })
}

function heldOut(images: readonly Placed[], context: OpenContext): Set<string> {
  const { testFraction = 0.2, seed = 0 } = context
  if (images.length < 5 || testFraction === 0) return new Set()
  const count = Math.max(1, Math.round(images.length * testFraction))
  const order = Random.seeded(seed, 'datasets/folder').permutation(images.length)
  return new Set([...order.subarray(0, count)].map((i) => images[i]!.id))
}

/** Images of `train`: which are good, and which are not learned from. */
function trainRoles(root: string, images: readonly Placed[], hasTest: boolean) {
  const good = images.filter((i) => i.kind === 'good')
  const bad = images.filter((i) => i.kind === 'bad')
  const named = images.filter((i) => i.kind === undefined && i.className !== undefined)
  const flat = images.filter((i) => i.kind === undefined && i.className === undefined)
  const names = classesOf(named)
  // defective images in train are judged by where there is no test
  const result = (learned: readonly Placed[], out: readonly Placed[]) =>
    hasTest
      ? { good: learned, bad: [], out: [...bad, ...out] }
      : { good: learned, bad: [...bad, ...out], out: [] }
  if (good.length > 0) {
    const flatByMask = good.every((i) => i.className === undefined)
    if (flat.length > 0 && !flatByMask)
      throw ambiguous(root, `images lie both in train and in ${good[0]!.group}`, [
        ['those directly in train are good too', `--good ${flat[0]!.group}`],
        ['they are left out', `--ignore ${flat[0]!.group}`],
      ])
    return result(good, [...named, ...flat])
  }
  if (flat.length > 0) {
    if (named.length === 0) return result(flat, [])
    if (named.every((i) => i.series)) return result([...flat, ...named], [])
    throw ambiguous(
      root,
      `images lie both in train and in ${list(names)}, and no name says which are good`,
      [
        ['all are good', `--good ${flat[0]!.group}`],
        ['the folders hold defects', `--defects ${names.join(',')}`],
        ['the folders are left out', `--ignore ${names.join(',')}`],
      ],
    )
  }
  if (names.length <= 1 || named.every((i) => i.series)) {
    if (named.length > 0 && !named.some((i) => namesDefect(i.className!))) return result(named, [])
    if (images.length === 0) return result([], [])
  }
  throw ambiguous(
    root,
    `train holds ${describe(images)}, and no name says which are good`,
    choices(names.length > 0 ? names : classesOf(bad)),
  )
}

const reasonOf = ({ kind }: Placed): string =>
  kind === 'bad'
    ? 'defective, and only good images are learned from'
    : 'not among the good images, and only those are learned from'

/** The class of `test` that is good because it is what was trained on. */
function testGoodName(good: readonly Placed[]): string | undefined {
  const names = new Set(good.map((i) => i.className?.toLowerCase()))
  return names.size === 1 ? [...names][0] : undefined
}

function testRole(image: Placed, goodName: string | undefined): Role {
  const { kind, className, defect } = image
  if (kind === 'good') return { split: 'test', defect: 'good' }
  if (kind === undefined && className === undefined) return { split: 'test', defect: 'unknown' }
  if (kind === undefined && className!.toLowerCase() === goodName)
    return { split: 'test', defect: 'good', why: 'the class that is trained on' }
  return { split: 'test', defect }
}

/** Images in folders of classes without a split: which are good and which defective. */
function classRoles(root: string, images: readonly Placed[]) {
  const good = images.filter((i) => i.kind === 'good')
  const bad = images.filter((i) => i.kind === 'bad')
  const named = images.filter((i) => i.kind === undefined && i.className !== undefined)
  const flat = images.filter((i) => i.kind === undefined && i.className === undefined)
  const names = classesOf(named)
  if (good.length > 0) {
    if (flat.length > 0) {
      const where = flat[0]!.group === '.' ? '' : ` in ${flat[0]!.group}`
      throw new CflowError('USAGE', `${flat[0]!.id} lies beside ${good[0]!.group}/, in no class`, {
        subject: join(root, flat[0]!.id),
        hint: `Move it into the folder of good or of defective images; or --good ${flat[0]!.group} for images directly${where || ' in the root'} that are good, --ignore ${flat[0]!.group} to leave them out.`,
      })
    }
    const unclear = [
      ...new Set(named.filter((i) => !namesDefect(i.className!)).map((i) => i.group)),
    ]
    // beside a folder that is named bad, others are not likely to hold defects
    const plainBad = bad.some((i) => i.flag === undefined)
    if (plainBad && unclear.length > 0)
      throw ambiguous(
        root,
        `beside ${list([...new Set([...good, ...bad].map((i) => i.group))])} lies ${list(unclear)}, and its name does not say whether that is good`,
        choices(unclear),
      )
    return { good, bad: images.filter((i) => i.kind !== 'good') }
  }
  if (bad.length > 0) {
    if (flat.length > 0 || names.length > 0) {
      const unclear = flat.length > 0 ? [flat[0]!.group] : names
      throw ambiguous(
        root,
        `${list(classesOf(bad))} ${classesOf(bad).length === 1 ? 'holds' : 'hold'} defective images, and no folder is named good`,
        [
          [
            `${unclear[0] === '.' ? 'the images directly in the root' : list(unclear)} are good`,
            `--good ${unclear.join(',')}`,
          ],
        ],
      )
    }
    if (bad.every((i) => i.className === undefined))
      throw fault(
        'EMPTY',
        root,
        'has no good images: every image has a mask that marks a defect',
        'Add good images, with an empty mask or in a folder named good.',
      )
    throw fault(
      'EMPTY',
      root,
      `has ${list(classesOf(bad))} but no folder of good images`,
      'Put good images into good/, or name their folder with --good: the detector learns from those alone.',
    )
  }
  if (names.length === 0) return { good: flat, bad: [] }
  const equals = named.every((i) => i.series)
  if (equals) return { good: images, bad: [] }
  const what = flat.length > 0 ? `images, and ${describe(named)}` : describe(named)
  throw ambiguous(
    root,
    `${root} holds ${what}, and no name says which are good`,
    flat.length > 0
      ? [
          ['all are good', `--good .,${names.join(',')}`],
          ['the folders hold defects', `--good . --defects ${names.join(',')}`],
          ['the folders are left out', `--ignore ${names.join(',')}`],
        ]
      : choices(names),
  )
}

/** Whether `validation` has both good and defective images, as a test has. */
function validationIsTest(images: readonly Placed[]): boolean {
  const own = images.filter((i) => i.split === 'validation' && i.flag === undefined)
  return (
    own.some((i) => i.kind === 'good') &&
    own.some((i) => i.kind !== 'good' && i.className !== undefined)
  )
}

function validationReason({ kind, group }: Placed): string {
  if (kind === 'good') return `further good images: --good ${group} learns from them too`
  const judge = `--defects ${group} judges by them`
  if (kind === 'bad') return `kept for validation: ${judge}`
  return `kept for validation: --good ${group} learns from them, ${judge}`
}

function besideSplits(root: string, { group, kind }: Placed, hasTrain: boolean): CflowError {
  const split = hasTrain ? 'train' : 'test'
  const use: readonly [string, string] =
    kind === 'good'
      ? ['it is learned from too', `--good ${group}`]
      : ['it is judged by too', `--defects ${group}`]
  return ambiguous(root, `${group} lies beside ${split}`, [
    use,
    ['it is left out', `--ignore ${group}`],
  ])
}

/** The readings of folders whose names say nothing. */
function choices(names: readonly string[]): readonly (readonly [string, string])[] {
  const [first = '', ...rest] = names
  if (rest.length === 0)
    return [
      [`${first} is good`, `--good ${first}`],
      ['it holds defects', `--defects ${first}`],
      ['it is left out', `--ignore ${first}`],
    ]
  return [
    [`only ${first} is good, for example`, `--good ${first} --defects ${rest.join(',')}`],
    ['all are good', `--good ${names.join(',')}`],
    [`${rest.at(-1)} is left out`, `--ignore ${rest.at(-1)}`],
  ]
}

/**
 * What can be read in several ways.
 * @param readings each with the flags that choose it
 */
export function ambiguous(
  root: string,
  problem: string,
  readings: readonly (readonly [reading: string, flags: string])[],
): CflowError {
  const hint = `${readings.map(([reading, flags]) => `${flags} if ${reading}`).join('; ')}.`
  return new CflowError('USAGE', `it is not clear what the folders mean: ${problem}`, {
    subject: root,
    hint,
  })
}

/** Groups of images, none twice, in order. */
const classesOf = (images: readonly Placed[]): readonly string[] => [
  ...new Set(images.map((i) => i.group)),
]

/** `a, b and c`, at most four. */
function list(names: readonly string[]): string {
  const shown = names.slice(0, 4)
  if (names.length > 4) return `${shown.join(', ')} and ${names.length - 4} more`
  return shown.length < 2 ? shown.join('') : `${shown.slice(0, -1).join(', ')} and ${shown.at(-1)}`
}

/** `a (3 images) and b (5)` */
function describe(images: readonly Placed[]): string {
  const counted = classesOf(images).map((group) => {
    const n = images.filter((i) => i.group === group).length
    return `${group} (${n} image${n === 1 ? '' : 's'})`
  })
  return list(counted)
}
