import { dash } from '../markdown.js'

/** Footnotes: why cells are empty, each reason once. */
export interface Notes {
  /** The marks of what is missing, or an empty string. */
  mark(reasons: readonly string[]): string
  /** The list of reasons, empty where nothing is missing. */
  text(): string
}

export function footnotes(): Notes {
  const reasons: string[] = []
  return {
    mark(missing) {
      const marks = missing.map((reason) => {
        if (!reasons.includes(reason)) reasons.push(reason)
        return `[${reasons.indexOf(reason) + 1}]`
      })
      return marks.join(' ')
    },
    text: () =>
      reasons.length === 0
        ? ''
        : `Not run:\n\n${reasons.map((reason, i) => `- [${i + 1}] ${reason}`).join('\n')}`,
  }
}

/** A measured cell, with the mark of what is missing. */
export function cell(text: string, mark: string): string {
  return mark === '' ? text : text === dash ? `${dash} ${mark}` : `${text} ${mark}`
}
