/** What the page's address says of it: `tab`, `detector`, `engine`. */
export const addressed = (name: string): string | undefined =>
  new URLSearchParams(location.search).get(name) ?? undefined

/**
 * Let the address say it, so that a link leads here.
 * @param isStep whether the browser's Back leads to what was before
 */
export function address(name: string, value: string | undefined, isStep = false): void {
  const url = new URL(location.href)
  if (value === undefined) url.searchParams.delete(name)
  else url.searchParams.set(name, value)
  if (url.href === location.href) return
  history[isStep ? 'pushState' : 'replaceState'](null, '', url)
}
