import { dirname, extname, join, relative, resolve, sep } from 'node:path'

/**
 * What the results of each image are called in an output folder, without an ending: the image's path below the folder that all images have in
 * common, so that images of one name in different folders stay apart. `a/1.png` and `a/1.jpg` become `1.png` and
 * `1.jpg`, also on disks that do not tell upper from lower case.
 * @returns relative paths, in the order of the images
 */
export function resultNames(images: readonly string[]): readonly string[] {
  const whole = images.map((image) => resolve(image))
  const common = commonFolder(whole.map((path) => dirname(path)))
  const below = whole.map((path) => relative(common, path))
  const plain = below.map((path) => path.slice(0, path.length - extname(path).length))
  const count = new Map<string, number>()
  for (const name of plain) count.set(name.toLowerCase(), (count.get(name.toLowerCase()) ?? 0) + 1)
  const used = new Set<string>()
  return plain.map((name, i) => {
    let chosen = count.get(name.toLowerCase()) === 1 ? name : below[i]!
    for (let n = 2; used.has(chosen.toLowerCase()); n++) chosen = `${below[i]!}-${n}`
    used.add(chosen.toLowerCase())
    return chosen
  })
}

function commonFolder(folders: readonly string[]): string {
  const [first = sep, ...others] = folders
  let parts = first.split(sep)
  for (const other of others) {
    const its = other.split(sep)
    const same = parts.findIndex((part, i) => part !== its[i])
    if (same >= 0) parts = parts.slice(0, same)
  }
  return join(parts.join(sep), sep)
}
