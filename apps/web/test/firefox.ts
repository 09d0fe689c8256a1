import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { temporaryFolder } from '@cflow/base/testing'
import { WebSocket } from 'ws'

const usual = [
  '/usr/bin/firefox-esr',
  '/usr/bin/firefox',
  '/snap/bin/firefox',
  '/Applications/Firefox.app/Contents/MacOS/firefox',
  'C:\\Program Files\\Mozilla Firefox\\firefox.exe',
]

/** Where Firefox is on this machine: the variable FIREFOX_PATH, or the usual places. */
export const firefoxPath = (): string | undefined =>
  process.env['FIREFOX_PATH'] ?? usual.find((path) => existsSync(path))

interface Answer {
  readonly id?: number
  readonly result?: unknown
  readonly error?: string
  readonly message?: string
}

/** A page of Firefox, by WebDriver BiDi, which it speaks by itself. */
export async function openFirefox(executable: string, url: string) {
  const profile = await temporaryFolder('firefox')
  await writeFile(join(profile, 'user.js'), 'user_pref("remote.active-protocols", 1);\n')
  const child = spawn(
    executable,
    ['--headless', '--no-remote', '--profile', profile, '--remote-debugging-port', '0'],
    { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, HOME: profile } },
  )
  const address = await new Promise<string>((resolve, reject) => {
    let text = ''
    child.stderr.on('data', (data: Buffer) => {
      text += String(data)
      const found = /WebDriver BiDi listening on (ws:\S+)/.exec(text)
      if (found) resolve(found[1]!)
    })
    child.on('error', reject)
    child.on('exit', () => reject(new Error(`Firefox ended: ${text}`)))
  })
  const socket = new WebSocket(`${address}/session`)
  await new Promise((resolve, reject) => {
    socket.once('open', resolve)
    socket.once('error', reject)
  })
  const waiting = new Map<number, (answer: Answer) => void>()
  socket.on('message', (data) => {
    const answer = JSON.parse(String(data as Buffer)) as Answer
    if (answer.id !== undefined) waiting.get(answer.id)?.(answer)
  })
  let last = 0
  const send = async (method: string, params: object): Promise<unknown> => {
    const id = ++last
    const answered = new Promise<Answer>((resolve) => waiting.set(id, resolve))
    socket.send(JSON.stringify({ id, method, params }))
    const { result, error, message } = await answered
    waiting.delete(id)
    if (error) throw new Error(`${method}: ${error}: ${message}`)
    return result
  }
  await send('session.new', { capabilities: {} })
  const { context } = (await send('browsingContext.create', { type: 'tab' })) as { context: string }
  await send('browsingContext.navigate', { context, url, wait: 'interactive' })
  const page = {
    /** The value of an expression in the page, as text. */
    async value(expression: string): Promise<string> {
      const { type, result, exceptionDetails } = (await send('script.evaluate', {
        expression: `Promise.resolve(${expression}).then(String)`,
        target: { context },
        awaitPromise: true,
      })) as { type: string; result?: { value: string }; exceptionDetails?: { text: string } }
      if (type !== 'success') throw new Error(exceptionDetails?.text ?? type)
      return result!.value
    },
    /** Wait until an expression gives something. */
    async until(expression: string, seconds = 120): Promise<string> {
      for (const end = Date.now() + 1000 * seconds; Date.now() < end;) {
        const value = await page.value(expression)
        if (!['', 'false', 'null', 'undefined'].includes(value)) return value
        await new Promise((resolve) => setTimeout(resolve, 250))
      }
      throw new Error(
        `never: ${expression}; the page says: ${await page.value('document.body.innerText')}`,
      )
    },
    async close(): Promise<void> {
      socket.close()
      const ended = new Promise((resolve) => child.once('exit', resolve))
      child.kill()
      await ended
    },
  }
  return page
}
