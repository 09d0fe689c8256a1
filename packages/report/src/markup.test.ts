import { expect, it } from 'vitest'
import { escapeText, join, markup, trusted } from './markup.js'

it('escapes every value of a template, in text and in attributes', () => {
  const evil = `"><script>alert('x')</script>&`
  const { text } = markup`<a title="${evil}">${evil}</a>`
  expect(text).not.toContain('<script')
  expect(text.match(/"/g)).toHaveLength(2)
  expect(text).toContain('&quot;&gt;&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;')
})

it('keeps markup, joins lists and leaves out nothing-values', () => {
  const list = [markup`<b>${'<'}</b>`, 'a&b', 3, undefined, null, false] as const
  expect(markup`[${list}]`.text).toBe('[<b>&lt;</b>a&amp;b3]')
  expect(join(['<', trusted('<i>')], ' & ').text).toBe('&lt; &amp; <i>')
})

it('takes an object that looks like markup for nothing', () => {
  const forged = JSON.parse('{"text":"<script>"}') as string
  expect(markup`${forged}`.text).toBe('')
})

it('replaces control characters but not line ends', () => {
  expect(escapeText('a\u0000b\u001bc\nd\te')).toBe('a\ufffdb\ufffdc\nd\te')
})
