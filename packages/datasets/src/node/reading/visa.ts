import { readFile } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import type { Placed } from './place.js'
import type { Role } from './roles.js'

/** The file that divides VisA into images to learn from and to judge by; beside the folders of its objects. */
const splitFile = join('split_csv', '1cls.csv')

/**
 * The roles that VisA's own split gives to the images of one of its objects.
 * @returns undefined where there is no such file, or it does not speak of these images
 */
export async function visaSplit(root: string, images: readonly Placed[]) {
  for (const folder of [root, dirname(resolve(root))]) {
    const text = await readFile(join(folder, splitFile), 'utf8').catch(() => undefined)
    const roles = text === undefined ? undefined : rolesIn(text, basename(resolve(root)), images)
    if (roles !== undefined) return { file: join(folder, splitFile), roles }
  }
  return undefined
}

/** Lines are `object,split,label,image,mask`; the path of the image begins with the object. */
function rolesIn(
  text: string,
  object: string,
  images: readonly Placed[],
): ReadonlyMap<string, Role> | undefined {
  const listed = new Map<string, Role>()
  for (const line of text.split(/\r?\n/)) {
    const [name, split, label, path] = line.split(',').map((cell) => cell.trim())
    if (name !== object || path === undefined || (split !== 'train' && split !== 'test')) continue
    const id = path.startsWith(`${object}/`) ? path.slice(object.length + 1) : path
    listed.set(id, { split, defect: label === 'normal' ? 'good' : 'anomaly' })
  }
  if (!images.some(({ id }) => listed.has(id))) return undefined
  return new Map(
    images.map(({ id, flag }) => [
      id,
      flag === 'ignore'
        ? { out: 'as --ignore says' }
        : (listed.get(id) ?? { out: `not in ${splitFile}` }),
    ]),
  )
}
