/** A page that shows /openapi.json: nothing is loaded from elsewhere. */
export const referencePage = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>CFLOW-AD server</title>
<style>
  :root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
  body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
  details { border: 1px solid #8884; border-radius: .4rem; margin: .4rem 0; padding: .4rem .8rem }
  summary { cursor: pointer } code, pre { font: .85rem/1.4 ui-monospace, monospace }
  pre { overflow: auto; padding: .6rem; background: #8881; border-radius: .4rem }
  .method { display: inline-block; min-width: 4.5rem; font-weight: 600 }
  table { border-collapse: collapse } td { padding: .1rem .8rem .1rem 0; vertical-align: top }
</style>
<h1>CFLOW-AD server</h1>
<p>Described by <a href="/openapi.json">/openapi.json</a> (OpenAPI 3.1).</p>
<main id="main">Loading…</main>
<script>
const make = (tag, text, ...children) => {
  const element = document.createElement(tag)
  if (text) element.textContent = text
  element.append(...children)
  return element
}
fetch('/openapi.json').then((r) => r.json()).then((api) => {
  const named = (schema) => {
    if (!schema) return ''
    if (schema.$ref) return schema.$ref.split('/').at(-1)
    if (schema.anyOf) return schema.anyOf.map(named).join(' | ')
    if (schema.type === 'array') return named(schema.items) + '[]'
    if (schema.type === 'object' && schema.properties)
      return '{ ' + Object.entries(schema.properties).map(([k, v]) =>
        k + ((schema.required ?? []).includes(k) ? '' : '?') + ': ' + named(v)).join(', ') + ' }'
    return (schema.enum ?? [schema.const ?? schema.format ?? schema.type ?? 'any']).join(' | ')
  }
  const row = (name, text) => make('tr', '', make('td', '', make('code', name)), make('td', text))
  const groups = new Map()
  for (const [path, methods] of Object.entries(api.paths))
    for (const [method, op] of Object.entries(methods)) {
      const tag = op.tags?.[0] ?? 'other'
      groups.set(tag, [...(groups.get(tag) ?? []), [path, method, op]])
    }
  const main = document.getElementById('main')
  main.textContent = ''
  for (const [tag, ops] of groups) {
    main.append(make('h2', tag))
    for (const [path, method, op] of ops) {
      const head = make('summary', '')
      const m = make('span', method.toUpperCase()); m.className = 'method'
      head.append(m, make('code', path), ' ' + (op.summary ?? ''))
      const box = make('details', '', head)
      if (op.description) box.append(make('p', op.description))
      if (op['x-scope']) box.append(make('p', 'Scope: ' + op['x-scope']))
      const parameters = make('table')
      for (const p of op.parameters ?? [])
        parameters.append(row(p.name, p.in + (p.required ? ', required' : '') + ', ' + named(p.schema) + (p.description ?? p.schema?.description ? ': ' + (p.description ?? p.schema.description) : '')))
      for (const [type, { schema }] of Object.entries(op.requestBody?.content ?? {}))
        parameters.append(row('body', type + ': ' + named(schema)))
      box.append(parameters, make('h4', 'Answers'))
      const answers = make('table')
      for (const [status, answer] of Object.entries(op.responses ?? {}))
        answers.append(row(status, (answer.description ?? '') + ' ' + Object.entries(answer.content ?? {}).map(([type, { schema }]) => type + ': ' + named(schema)).join('; ')))
      box.append(answers)
      main.append(box)
    }
  }
  main.append(make('h2', 'Types'))
  for (const [name, schema] of Object.entries(api.components?.schemas ?? {}))
    main.append(make('details', '', make('summary', name), make('pre', JSON.stringify(schema, null, 2))))
})
</script>
`
