import { markup, trusted, type Markup, type Part } from './markup.js'
import { style } from './style.js'

/** What a document adds to the common one. */
interface DocumentOptions {
  readonly title: string
  /** Behind the common style sheet. */
  readonly style?: string
  /** Sources of scripts that its content policy lets run; none when absent. */
  readonly scripts?: string
}

/** An HTML file that needs nothing else. */
export function documentOf(
  body: Part,
  { title, style: own = '', scripts }: DocumentOptions,
): Markup {
  const script = scripts === undefined ? '' : ` script-src ${scripts};`
  const policy = `default-src 'none'; img-src data:; style-src 'unsafe-inline';${script} base-uri 'none'; form-action 'none'`
  return markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<style>${trusted(style)}${trusted(own)}</style>
</head>
<body>
${body}
</body>
</html>
`
}
