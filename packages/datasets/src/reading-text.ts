import type { FolderReading, Reading } from './dataset.js'

/**
 * How folders were read, a line each: the folder, what its images are for, and why. What is left out comes last.
 * @param most lines of folders; a line says how many more there are
 */
export function readingLines(reading: Reading, most = 16): readonly string[] {
  const { folders, unread, warnings } = reading
  const lines = folders.length <= most ? folders : shortened(folders, most)
  const width = Math.min(40, Math.max(0, ...lines.map((f) => f.folder.length)))
  const endings = Object.entries(unread).map(([ending, n]) => `${n} ${ending}`)
  return [
    ...lines.map((row) => `  ${row.folder.padEnd(width)}  ${textOf(row)}`),
    ...(lines.length < folders.length
      ? [`  … ${folders.length - lines.length} more: cflow inspect lists all`]
      : []),
    ...(endings.length > 0
      ? [`  not read: ${endings.join(', ')} (no format that is known here)`]
      : []),
    ...warnings.map((text) => `  note: ${text}`),
  ]
}

/** The first folders of each role, in order, so that none is missing from the list. */
function shortened(folders: readonly FolderReading[], most: number): readonly FolderReading[] {
  const roles = [...new Set(folders.map((f) => f.role))]
  const each = Math.max(1, Math.floor(most / roles.length))
  const kept = new Set(
    roles.flatMap((role) => folders.filter((f) => f.role === role).slice(0, each)),
  )
  return folders.filter((f) => kept.has(f))
}

function textOf({ role, defect, images, masks, why }: FolderReading): string {
  const n = `${images} image${images === 1 ? '' : 's'}`
  const masked = masks > 0 && role !== 'train' ? `, ${masks} with a mask` : ''
  const reason = why === undefined ? '' : ` (${why})`
  const texts: Readonly<Record<FolderReading['role'], string>> = {
    train: `${n} to learn from`,
    'test good': `${n} to judge by: good`,
    'test defect': `${n} to judge by: ${defect ?? 'defect'}${masked}`,
    'test unknown': `${n} to judge: unlabelled`,
    masks: `${images} mask${images === 1 ? '' : 's'}`,
    'left out': `${n} left out`,
  }
  return `${texts[role]}${reason}`
}
