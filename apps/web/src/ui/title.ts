const plain = document.title

/** What the tab is called while a training runs. */
export const titleProgress = (share: number): void => {
  document.title = `${Math.floor(100 * share)} % – ${plain}`
}

/** The tab's own name again; an end that nobody has seen stands there until the tab is looked at. */
export function titleEnd(news?: string): void {
  const isSeen = document.visibilityState === 'visible'
  document.title = news === undefined || isSeen ? plain : `${news} – ${plain}`
  if (news !== undefined && !isSeen) void badge.setAppBadge?.().catch(() => undefined)
}

/** Of the page where it is installed as a program. */
const badge = navigator as { setAppBadge?(): Promise<void>; clearAppBadge?(): Promise<void> }

document.addEventListener('visibilitychange', () => {
  if (document.visibilityState !== 'visible') return
  void badge.clearAppBadge?.().catch(() => undefined)
  if (!/^\d+ % – /.test(document.title)) document.title = plain
})
