/** One table of results. */
export interface Table {
  readonly title: string
  readonly columns: readonly string[]
  readonly rows: readonly (readonly (string | number | undefined)[])[]
  /** What was compared with what, and what is to be kept in mind. */
  readonly note?: string
}

export const cellText = (cell: string | number | undefined): string => {
  if (cell === undefined) return ''
  if (typeof cell === 'string') return cell
  if (!Number.isFinite(cell)) return '–'
  return cell >= 100 ? Math.round(cell).toLocaleString('en') : cell.toPrecision(3)
}

export function markdown({ title, columns, rows, note }: Table): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  return [
    `### ${title}`,
    '',
    line(columns),
    line(columns.map((_, i) => (i === 0 ? '---' : '---:'))),
    ...rows.map((row) => line(columns.map((_, i) => cellText(row[i])))),
    ...(note === undefined ? [] : ['', note]),
    '',
  ].join('\n')
}
