/** Sorts tables by a click on a column's head. The page works without it. */
export const sortScript = `
for (const table of document.querySelectorAll('table.sortable')) {
  const heads = [...table.tHead.rows[0].cells]
  const body = table.tBodies[0]
  const key = (row, i) => row.cells[i].dataset.value ?? row.cells[i].textContent.trim()
  heads.forEach((head, i) => {
    const button = document.createElement('button')
    button.type = 'button'
    button.append(...head.childNodes)
    head.append(button)
    button.addEventListener('click', () => {
      const down = head.getAttribute('aria-sort') === 'ascending'
      const numeric = head.classList.contains('number')
      const sign = down ? -1 : 1
      const rows = [...body.rows].sort((a, b) => sign * (numeric
        ? key(a, i) - key(b, i)
        : key(a, i).localeCompare(key(b, i), 'en', { numeric: true })))
      for (const other of heads) other.removeAttribute('aria-sort')
      head.setAttribute('aria-sort', down ? 'descending' : 'ascending')
      body.append(...rows)
    })
  })
  table.caption.append(' – click a column to sort by it')
}
addEventListener('beforeprint', () => {
  for (const image of document.images) image.loading = 'eager'
})
`
