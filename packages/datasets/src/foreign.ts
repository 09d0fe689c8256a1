/**
 * Formats that cameras write and that nothing here decodes, told by a file's first bytes, so that they can be named.
 * @param head the first 64 bytes at most, as Latin-1
 */
export function foreignFormat(head: string): string | undefined {
  if (/^\xff\x0a|^\0\0\0\x0cJXL /.test(head)) return 'JPEG XL'
  if (/^(II\*\0|MM\0\*)....CR/s.test(head)) return 'a raw photograph (CR2)'
  if (head.slice(4, 12) === 'ftypcrx ') return 'a raw photograph (CR3)'
  const brands = brandsOf(head)
  return brands && /hei[cxms]|hev[cxms]/.test(brands) && !brands.includes('avif')
    ? 'HEIC'
    : undefined
}

/** What a file of the ISO base media format says that it is; undefined of others. */
export const brandsOf = (head: string): string | undefined =>
  head.slice(4, 8) === 'ftyp' ? head.slice(8, Math.min(64, head.charCodeAt(3))) : undefined
