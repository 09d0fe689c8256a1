/** Folder names that mean good images. */
export const goodFolderNames: readonly string[] = ['good', 'ok', 'normal', 'train']

/** Folder names that mean defective images; any other folder beside a good one counts as a type of defect too. */
export const badFolderNames: readonly string[] = ['bad', 'defect', 'defective', 'anomalous', 'ng']

/** True for the name of a folder of good images, in any case. */
export function isGoodName(name: string): boolean {
  return goodFolderNames.includes(name.toLowerCase())
}

/** True for a name that means defective without saying how, in any case. */
export function isBadName(name: string): boolean {
  return badFolderNames.includes(name.toLowerCase())
}
