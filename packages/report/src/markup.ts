/** Text that is already HTML or SVG. Only this module makes it, so a string from outside can never pass for it. */
export class Markup {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

/** What a template may hold: text is escaped, lists are joined, `undefined`, `null` and `false` leave nothing. */
export type Part = Markup | string | number | false | null | undefined | readonly Part[]

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** Text for an element's content or a quoted attribute. Control characters, which HTML forbids, become U+FFFD. */
export function escapeText(text: string): string {
  return text

    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/g, '\ufffd')
    .replace(/[&<>"']/g, (c) => entities[c]!)
}

/** HTML from a template in which every value is escaped unless it is `Markup` itself. */
export function markup(strings: TemplateStringsArray, ...parts: readonly Part[]): Markup {
  let text = strings[0]!
  parts.forEach((part, i) => {
    text += textOf(part) + strings[i + 1]!
  })
  return new Markup(text)
}

/** HTML of several parts, with text between them. */
export function join(parts: readonly Part[], between = ''): Markup {
  return new Markup(parts.map(textOf).join(escapeText(between)))
}

/** Markup of this package's own making (a style sheet, a script), as it is. */
export function trusted(text: string): Markup {
  return new Markup(text)
}

function textOf(part: Part): string {
  if (part instanceof Markup) return part.text
  if (typeof part === 'string') return escapeText(part)
  if (typeof part === 'number') return String(part)
  if (Array.isArray(part)) return part.map(textOf).join('')
  return ''
}
