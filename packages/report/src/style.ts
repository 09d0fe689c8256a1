/** The report's style sheet: light and dark, phone to desktop, and print. */
export const style = `
:root {
  color-scheme: light dark;
  --ground: #fff; --panel: #f4f5f7; --ink: #1b1f24; --soft: #57606a; --line: #d5d9df; --grid: #e8ebef;
  --good: #1a7f45; --bad: #c62828; --unknown: #57606a; --accent: #0b5cad; --warn: #8a5300;
  --s0: #0b5cad; --s1: #a13d00; --s2: #6d3fb5;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #14171b; --panel: #1e2228; --ink: #e6e9ed; --soft: #a3adb8; --line: #3a414a; --grid: #2a3037;
    --good: #57c98a; --bad: #ff7a72; --unknown: #a3adb8; --accent: #6db3f8; --warn: #e8b25a;
    --s0: #6db3f8; --s1: #f5a262; --s2: #bd9bf7;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body {
  margin: 0 auto; padding: 2rem 1.25rem 3rem; max-width: 68rem; background: var(--ground); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif;
}
h1 { margin: 0 0 .75rem; font-size: 1.9rem; line-height: 1.2; overflow-wrap: anywhere; }
h2 { margin: 3rem 0 .75rem; padding-top: 1rem; border-top: 1px solid var(--line); font-size: 1.35rem; }
h3 { margin: 1.5rem 0 .6rem; font-size: 1.05rem; }
h3 .note { font-weight: 400; margin-left: .35rem; }
p { margin: .6rem 0; max-width: 46rem; }
.kicker { margin: 0; color: var(--soft); font-size: .875rem; }
.verdict { font-size: 1.15rem; }
.protocol { padding-left: .8rem; border-left: 3px solid var(--accent); font-size: .9375rem; }
.note { color: var(--soft); font-size: .875rem; font-weight: 400; }
.tiles { display: flex; flex-wrap: wrap; gap: .6rem; margin: 1.25rem 0; padding: 0; list-style: none; }
.tiles li { flex: 1 1 9.5rem; max-width: 16rem; padding: .7rem .85rem; background: var(--panel); border-radius: 6px; }
.tiles strong { display: block; font-size: 1.55rem; line-height: 1.25; font-variant-numeric: tabular-nums; }
.tile-name { font-size: .9375rem; }
.tiles .note { display: block; font-size: .8125rem; line-height: 1.35; }
.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(16rem, 1fr)); gap: .9rem 2rem; margin: 1.5rem 0 0; }
.facts dt { color: var(--soft); font-size: .875rem; }
.facts dd { margin: 0; overflow-wrap: anywhere; }
table { width: 100%; margin: 1.25rem 0; border-collapse: collapse; font-variant-numeric: tabular-nums; }
caption { padding-bottom: .35rem; text-align: left; font-weight: 600; }
th, td { padding: .45rem .75rem .45rem 0; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
th:last-child, td:last-child { padding-right: 0; }
thead th.number { white-space: normal; }
.scroll tbody th { overflow-wrap: normal; }
thead th { color: var(--soft); font-size: .875rem; font-weight: 600; vertical-align: bottom; }
tbody th { font-weight: 500; overflow-wrap: anywhere; }
th .note { display: block; }
.number { text-align: right; white-space: nowrap; }
.number .note { white-space: normal; }
.metrics .number { width: 26%; }
.confusion { max-width: 40rem; } .confusion .number { width: 24%; }
.command { max-width: none; margin: 1rem 0 0; color: var(--soft); font-size: .875rem; } .command code { overflow-wrap: anywhere; }
a { color: var(--accent); }
.scroll { overflow-x: auto; }
.id { overflow-wrap: anywhere; }
.sortable { font-size: .9375rem; } .sortable .number { width: 6.5rem; padding-right: 1.5rem; }
.sortable th button { padding: 0; border: 0; background: none; color: inherit; font: inherit; cursor: pointer; }
.sortable th button::after { content: '\\2195'; margin-left: .3em; opacity: .5; }
.sortable th[aria-sort='ascending'] button::after { content: '\\2191'; opacity: 1; }
.sortable th[aria-sort='descending'] button::after { content: '\\2193'; opacity: 1; }
.outcome { white-space: nowrap; }
.outcome.right { color: var(--good); }
.outcome.missed { color: var(--bad); font-weight: 600; }
.outcome.false-alarm { color: var(--warn); font-weight: 600; }
.key.good { color: var(--good); } .key.anomalous, .key.truth { color: var(--bad); }
.key.truth { font-weight: 600; text-decoration: underline; }
.swatch { display: inline-block; width: 1.1em; height: .75em; border: 2px solid; }
.swatch.normal { border-color: var(--good); } .swatch.anomalous { border-style: dashed; border-color: var(--bad); }
figure { margin: 1rem 0; }
figcaption { max-width: 46rem; margin-top: .4rem; color: var(--soft); font-size: .875rem; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 20rem), 1fr)); gap: 0 2rem; }
.charts.small { grid-template-columns: repeat(auto-fit, minmax(min(100%, 17rem), 1fr)); gap: 0 1.25rem; }
.charts figure { margin: 0; } .charts h3 { margin-bottom: .2rem; }
.chart { display: block; width: 100%; height: auto; overflow: visible; }
.chart.narrow { display: none; }
.defs { position: absolute; }
.chart text { fill: var(--soft); font-size: 12px; font-variant-numeric: tabular-nums; }
.chart text.label { font-size: 12.5px; } .chart text.strong { fill: var(--ink); font-weight: 600; }
.grid { stroke: var(--grid); fill: none; } .axis { stroke: var(--soft); fill: none; }
.guide { stroke: var(--soft); stroke-width: 1; fill: none; opacity: .6; }
.threshold { stroke: var(--ink); stroke-width: 1.5; stroke-dasharray: 5 4; fill: none; }
.beyond { fill: var(--bad); opacity: .06; }
use { stroke: var(--ground); stroke-width: .8; fill-opacity: .85; }
use.good { fill: var(--good); } use.anomalous { fill: var(--bad); } use.unknown { fill: var(--unknown); }
.density { fill-opacity: .22; stroke-width: 1.6; stroke-linejoin: round; }
.density.normal { fill: var(--good); stroke: var(--good); }
.density.anomalous { fill: var(--bad); stroke: var(--bad); stroke-dasharray: 5 3; }
.line { fill: none; stroke-width: 2; stroke-linejoin: round; }
.line.s0 { stroke: var(--s0); } .line.s1 { stroke: var(--s1); stroke-dasharray: 7 4; } .line.s2 { stroke: var(--s2); }
.line-dot.s0 { fill: var(--s0); }
.line-key { vertical-align: middle; }
.working { fill: none; stroke: var(--ink); stroke-width: 1.5; }
.examples { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 27rem), 1fr)); gap: 1.25rem 1.5rem; }
.example { margin: 0; min-width: 0; break-inside: avoid; }
.panels { display: grid; grid-template-columns: repeat(3, 1fr); gap: 3px; }
.panels img { display: block; width: 100%; height: auto; border: 1px solid var(--line); border-radius: 2px; background: var(--panel); }
.example figcaption { color: var(--ink); font-size: .9375rem; }
.example .id { color: var(--soft); font-size: .8125rem; } .score { color: var(--soft); font-variant-numeric: tabular-nums; margin-left: .35rem; }
.legend { max-width: 27rem; margin: 1rem 0; font-size: .8125rem; line-height: 1.3; color: var(--soft); }
.ramp { height: .8rem; border: 1px solid var(--line); border-radius: 2px; }
.legend-text { position: relative; display: flex; justify-content: space-between; margin-top: .25rem; }
.legend-text span:last-child { text-align: right; }
.legend-threshold { position: absolute; transform: translateX(-50%); text-align: center; color: var(--ink); }
details { margin: 1rem 0; } summary { cursor: pointer; font-weight: 600; color: var(--accent); }
pre { overflow-x: auto; padding: .8rem 1rem; background: var(--panel); border-radius: 6px; font-size: .875rem; line-height: 1.45; }
code { font-family: ui-monospace, 'SF Mono', Menlo, Consolas, monospace; font-size: .92em; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
@media (max-width: 40rem) {
  body { padding: 1.25rem 1rem 2rem; } h1 { font-size: 1.5rem; } .verdict { font-size: 1.0625rem; }
  .chart.wide { display: none; } .chart.narrow { display: block; }
  .tiles li { flex-basis: 40%; max-width: none; } .facts { grid-template-columns: 1fr 1fr; gap: .9rem 1rem; }
  .metrics { table-layout: fixed; } .metrics .number { width: 28%; }
}
@media print {
  :root { color-scheme: light; --ground: #fff; --panel: #f4f5f7; --ink: #000; --soft: #444; --line: #bbb; --grid: #e3e3e3;
    --good: #1a7f45; --bad: #c62828; --accent: #0b5cad; --warn: #8a5300; --s0: #0b5cad; --s1: #a13d00; --s2: #6d3fb5; }
  body { max-width: none; padding: 0; font-size: 11pt; }
  h2 { margin-top: 1.5rem; break-after: avoid; } h3, caption { break-after: avoid; }
  figure, tr, .tiles li { break-inside: avoid; }
  .chart.wide { display: block; } .chart.narrow { display: none; }
  .examples { grid-template-columns: 1fr 1fr; } .panels img, .ramp, .tiles li { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
`

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
