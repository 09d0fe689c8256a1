import { readFileSync, readdirSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

export const docs = fileURLToPath(new URL('..', import.meta.url))
export const workspace = join(docs, '..')

/** A code block of a page. Behind the language stands what it is: `server`, `page`, a file’s name, or `needs SOMETHING`. */
export interface Block {
  readonly language: string
  readonly about: string
  readonly code: string
  readonly line: number
}

const made = /^(node_modules|reference|packages|\.vitepress|\.blocks|test|tools)(\/|$)/

/** The pages that people write, and the README, relative to the workspace. */
export const pages: readonly string[] = [
  'README.md',
  ...readdirSync(docs, { recursive: true, encoding: 'utf8' })
    .map((path) => path.replaceAll('\\', '/'))
    .filter((path) => path.endsWith('.md') && !made.test(path))
    .map((path) => relative(workspace, join(docs, path)).replaceAll('\\', '/'))
    .sort(),
]

export const textOf = (page: string): string => readFileSync(join(workspace, page), 'utf8')

/** Code blocks of a text, in order. */
export function blocksOf(text: string): readonly Block[] {
  const found: Block[] = []
  for (const match of text.matchAll(/^( *)```([^\s`]*)[ \t]*(.*)\n([^]*?)\n?\1```$/gm)) {
    const [, , language = '', about = '', code = ''] = match
    const line = text.slice(0, match.index).split('\n').length
    found.push({ language, about: about.trim(), code, line })
  }
  return found
}
