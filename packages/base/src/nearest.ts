/**
 * What somebody may have meant: the candidate that is nearest to a word by inserted, left out, changed and swapped letters,
 * capitals and hyphens aside. Undefined where none is near.
 */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  const plain = (text: string) => text.toLowerCase().replaceAll(/[-_\s]/g, '')
  const wanted = plain(word)
  const ranked = candidates
    .map((candidate) => ({ candidate, edits: distance(wanted, plain(candidate)) }))
    .filter(({ candidate, edits }) => edits <= Math.max(1, Math.ceil(candidate.length * 0.34)))
    .sort((a, b) => a.edits - b.edits)
  return ranked[0]?.candidate ?? begun(wanted, candidates, plain)
}

/** `did you mean CANDIDATE? ` where one is near, else nothing: the beginning of a hint. */
export function didYouMean(word: string, candidates: readonly string[]): string {
  const found = nearest(word, candidates)
  return found === undefined ? '' : `did you mean ${found}? `
}

/** The one candidate that the word begins, or that it is the end of. */
function begun(
  word: string,
  candidates: readonly string[],
  plain: (text: string) => string,
): string | undefined {
  if (word.length < 3) return undefined
  const found = candidates.filter((c) => plain(c).startsWith(word) || plain(c).endsWith(word))
  return found.length === 1 ? found[0] : undefined
}

/** Damerau–Levenshtein distance, neighbours swapped at most once. */
function distance(a: string, b: string): number {
  let [before, last] = [[] as number[], Array.from({ length: b.length + 1 }, (_, j) => j)]
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1
      let edits = Math.min(row[j - 1]! + 1, last[j]! + 1, last[j - 1]! + same)
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        edits = Math.min(edits, before[j - 2]! + 1)
      row.push(edits)
    }
    ;[before, last] = [last, row]
  }
  return last[b.length]!
}
