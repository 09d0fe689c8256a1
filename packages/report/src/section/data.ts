import { count } from '../format.js'
import type { DataReading, ReportInput } from '../input.js'
import { markup, type Markup } from '../markup.js'

/** How the folders were read, and what is to be said of images and masks. */
export function dataSection({
  reading,
  remarks = [],
  resolution,
  dropped = [],
}: ReportInput): Markup | undefined {
  const said = [...(reading?.warnings ?? []), ...remarks, ...unread(reading)]
  if (reading === undefined && said.length === 0 && dropped.length === 0) return undefined
  const at = resolution?.at
  return markup`<section aria-labelledby="data"><h2 id="data">Images</h2>
${reading && folderTable(reading)}
${at !== undefined && markup`<p>Pixels are compared ${at === 'mask' ? 'at the size of each mask' : `at ${at}\u00a0×\u00a0${at} pixels`}.</p>`}
${said.length > 0 && markup`<p>To be looked at:</p><ul>${said.map((text) => markup`<li>${text}</li>`)}</ul>`}
${dropped.length > 0 && markup`<p>Left out of the training, because ${dropped.length === 1 ? 'it stands' : 'they stand'} out from the others (<code>--drop-suspicious</code>):</p><ul>${dropped.map(({ id, why }) => markup`<li><bdi>${id}</bdi>: ${why}</li>`)}</ul>`}
</section>`
}

/** What the folders of a data set were taken for, as a table. */
export function folderTable({ folders }: DataReading): Markup {
  const rows = folders.map(
    ({ folder, role, defect, images, masks, why }) =>
      markup`<tr><th scope="row"><bdi>${folder === '.' ? '(directly in the folder)' : folder}</bdi></th><td>${roleText(role, defect)}${why !== undefined && markup`<br><span class="note">${why}</span>`}</td><td class="number">${images}</td><td class="number">${masks > 0 && masks}</td></tr>`,
  )
  return markup`<div class="scroll"><table><caption>How the folders were read</caption>
<thead><tr><th scope="col">Folder</th><th scope="col">Taken for</th><th scope="col" class="number">Files</th><th scope="col" class="number">With a mask</th></tr></thead>
<tbody>${rows}</tbody></table></div>`
}

function roleText(role: string, defect: string | undefined): string {
  const texts: Readonly<Record<string, string>> = {
    train: 'good, to learn from',
    'test good': 'good, to judge by',
    'test defect': `defect ${defect ?? ''}, to judge by`,
    'test unknown': 'unlabelled, to judge',
    masks: 'masks',
  }
  return texts[role] ?? role
}

function unread(reading: DataReading | undefined): readonly string[] {
  const all = Object.entries(reading?.unread ?? {})
  if (all.length === 0) return []
  return [`not read: ${all.map(([ending, n]) => `${count(n, 'file')} ${ending}`).join(', ')}`]
}
