import { endingOf, imageExtensions } from '../files.js'
import type { Split } from '../../dataset.js'

/** What the name of a folder says. Nothing is certain: what names leave open is decided by the whole tree, or asked. */
export interface NameMeaning {
  /** 'validation' holds images kept back, 'private' test images whose truth nobody has. */
  readonly split?: Split | 'validation' | 'private'
  readonly kind?: 'good' | 'bad'
  /** True where it says no more than that its images are good, or bad: a subfolder may then name the defect. */
  readonly generic?: boolean
  /** A folder of ground truth; 'maybe' for names that are also those of things, such as labels. */
  readonly mask?: 'certain' | 'maybe'
  /** Says nothing: `data`, `images`. */
  readonly neutral?: boolean
  /** What nobody sorted, or a program or a person put aside: neither good nor a defect. */
  readonly aside?: 'unsorted' | 'aside'
  /** One of a row of equals, such as cam2, 2024-03-01 or S0001: says nothing of good or bad. */
  readonly series?: boolean
}

const words = (text: string): ReadonlySet<string> => new Set(text.split(/\s+/))

const goodWords = words(
  `good goods ok okay normal normals nominal healthy pass passed clean intact flawless perfect accepted accept conforming
  bom norm норма годный conform conforme undamaged unbroken uncracked undefected nodefect nodefects defectfree free io gut bon bonne bueno buono
  goed 良品 正常 正常品 合格 合格品 正品 良 好 정상 양품`,
)
const badWords = words(
  `bad ng nok nio ko defect defects defective defected def anomaly anomalies anomalous abnormal abnormals fault faults faulty
  fail failed failure failures reject rejected rejects scrap flaw flaws flawed damaged damage damages unhealthy nogood notgood
  notok nonconforming outlier outliers schlecht defekt defekte fehler mauvais mauvaise defaut defauts défaut défauts malo mala defectuoso
  difettoso difetto difetti defeito defeitos брак дефект дефекты 不良品 不良 缺陷 异常 異常 不合格 불량`,
)
/** Kinds of defect: certain to be no product. */
const defectWords = words(
  `scratch scratches scratched crack cracks cracked dent dents dented hole holes bent stain stains stained contamination
  contaminated cut cuts missing burr burrs chip chips chipped rust rusty corrosion dirt dirty spot spots broken break breaks
  misplaced torn tear poke squeeze fold folded blowhole fray uneven inclusion inclusions pit pitted patches bubble bubbles
  leak leaking deformed deformation breakage wrong`,
)
const negations = words('not no non un without zero')
const splitWords = new Map<string, 'train' | 'test' | 'validation'>([
  ...[...words('train training trains learn')].map((w) => [w, 'train'] as const),
  ...[...words('test tests testing eval evaluation')].map((w) => [w, 'test'] as const),
  ...[...words('val valid validation validate dev')].map((w) => [w, 'validation'] as const),
])
const privateWords = words('private hidden mixed unlabeled unlabelled holdout')
const maskWords = words('mask masks groundtruth groundtruths')
const maybeMaskWords = words(
  'gt gts truth label labels annotation annotations annotated seg segs segmentation segmentations',
)
const neutralWords = words(
  `data dataset datasets image images img imgs photo photos picture pictures pics jpegimages rgb set sets files file public
  samples all the and with`,
)
/** What nobody sorted: neither good nor a defect, wherever it lies. */
const unsortedWords = words('unsorted unlabeled unlabelled unclassified unknown')
/** What a person or a program put aside; below a test these may be names of defects. */
const asideWords = words(
  `unsorted unlabeled unlabelled unclassified misc miscellaneous backup backups trash tmp temp result results output outputs
  overlay overlays prediction predictions predicted heatmap heatmaps thumb thumbs thumbnails preview previews archive archives
  excluded ignored unused`,
)
const seriesWords = words(
  `cam camera cams batch lot day date session series view side shift line machine station run part sample product roll unit
  week month night morning site lamp light angle position pos set`,
)
/** Measurements beside a photograph. */
const otherModalities = words(
  'xyz depth pointcloud pointclouds pc pcd normals ir infrared thermal disparity',
)

/** True for a folder of depth or the like; counts only where a folder of photographs lies beside it. */
export const isOtherModality = (name: string): boolean => otherModalities.has(name.toLowerCase())

/** True where the name of a folder is that of a kind of defect, such as `bent_wire`. */
export const namesDefect = (name: string): boolean => tokensOf(name).some((t) => defectWords.has(t))

/** `DefFront-2` → def, front, 2 */
function tokensOf(name: string): readonly string[] {
  const spaced = name.normalize('NFC').replace(/(\p{Ll})(\p{Lu})/gu, '$1 $2')
  return spaced
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter(Boolean)
}

/** A name in a form that is the same however its words are joined: `Broken-Part` is `broken_part`. */
export const plainName = (name: string): string => tokensOf(name).join('_')

/** What is left of the name of a folder of masks: `dent_masks` is that of `dent`. Undefined where it has no such word. */
export function maskedName(name: string): string | undefined {
  const tokens = tokensOf(name)
  const rest = tokens.filter((t) => !maskWords.has(t) && !maybeMaskWords.has(t) && t !== 'ground')
  return rest.length === tokens.length ? undefined : rest.join('_')
}

/** What the name of a file says of it: `NG_012`. */
export const kindOfFile = (stem: string): 'good' | 'bad' | undefined =>
  kindOf(tokensOf(stem.replace(/\d+/g, ' ')))

/** What a folder's name says by itself. */
export function meaningOf(name: string): NameMeaning {
  const tokens = tokensOf(name)
  const joined = tokens.join('')
  const has = (set: ReadonlySet<string>) => tokens.some((t) => set.has(t))
  const numbers = (t: string) => /^v?\d{1,3}$/.test(t)
  const kind = kindOf(tokens)
  const only = (set: ReadonlySet<string>) =>
    has(set) && tokens.every((t) => set.has(t) || numbers(t))
  const maskLike = has(maskWords) || /ground_?truth/.test(tokens.join('_'))
  const maybeMask = maskLike || has(maybeMaskWords)
  const splitToken = tokens.find((t) => splitWords.has(t))
  const known = (t: string): boolean =>
    numbers(t) ||
    [goodWords, badWords, negations, privateWords, maskWords, maybeMaskWords, neutralWords].some(
      (s) => s.has(t),
    ) ||
    splitWords.has(t) ||
    /^(ground|truth)$/.test(t)
  const allKnown = tokens.every(known)
  // a name with a word of its own, such as train_station, is a name
  const split = allKnown && splitToken !== undefined ? splitWords.get(splitToken) : undefined
  const isPrivate = allKnown && split === 'test' && has(privateWords)
  const mask = allKnown && maybeMask ? (maskLike ? 'certain' : 'maybe') : undefined
  const neutral =
    tokens.length > 0 && tokens.every((t) => neutralWords.has(t) || numbers(t)) && has(neutralWords)
  return {
    ...(split && { split: isPrivate ? 'private' : split }),
    ...(kind && { kind }),
    ...(kind && { generic: allKnown }),
    ...(mask && { mask }),
    ...(neutral && !split && !kind && !mask && { neutral }),
    ...(!kind && only(unsortedWords) && { aside: 'unsorted' as const }),
    ...(!kind && !only(unsortedWords) && only(asideWords) && { aside: 'aside' as const }),
    ...(!kind && !split && !mask && isSeries(tokens, joined) && { series: true }),
  }
}

function kindOf(tokens: readonly string[]): 'good' | 'bad' | undefined {
  let [good, bad, negated] = [false, false, false]
  tokens.forEach((token, i) => {
    if (negations.has(token)) {
      negated = true
      return
    }
    const isGood = goodWords.has(token)
    const isBad = badWords.has(token)
    if (token === 'free' && i > 0 && bad) {
      // defect_free
      ;[good, bad] = [true, false]
      return
    }
    if (!isGood && !isBad) return
    if (isGood !== negated) good = true
    else bad = true
    negated = false
  })
  if (tokens.join('') === 'nio') return 'bad'
  return good === bad ? undefined : good ? 'good' : 'bad'
}

function isSeries(tokens: readonly string[], joined: string): boolean {
  if (/^\d{3,}$/.test(joined)) return true
  if (/^[a-z]\d+$/.test(joined) && tokens.length <= 2) return true
  const stems = tokens.map((t) => t.replace(/\d+$/, ''))
  return (
    stems.some((t) => seriesWords.has(t)) &&
    stems.every((t) => t === '' || t.length === 1 || seriesWords.has(t))
  )
}

/** Endings and beginnings of the names of masks that lie beside their images, or that have them for other reasons. */
const maskSuffix =
  /^(.+?)[-_ .](?:gt|masks?|labels?|seg|segmentation|ground[-_ ]?truth|annotation)(?:[-_ ]?(\d{1,3}))?$/i
const maskPrefix = /^(?:gt|mask|label|seg|ground[-_ ]?truth)[-_ .](.+)$/i

/** Stems that the image of a mask may have, the mask's own first, and whether it is one of several of that image. */
export function imageStems(
  stem: string,
): readonly { readonly stem: string; readonly several: boolean }[] {
  const found = [{ stem, several: false }]
  // `003.jpg.png` is of `003.jpg`
  const ending = endingOf(stem)
  if (imageExtensions.includes(ending))
    found.push({ stem: stem.slice(0, -ending.length), several: false })
  const [, before, number] = maskSuffix.exec(stem) ?? []
  if (before !== undefined) found.push({ stem: before, several: number !== undefined })
  const [, after] = maskPrefix.exec(stem) ?? []
  if (after !== undefined) found.push({ stem: after, several: false })
  return found
}
