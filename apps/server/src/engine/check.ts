import { CflowError } from '@cflow/base'
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import type { Config } from '../config.js'
import { kill, startChild } from './child.js'
import type { CheckedDetector } from './engine.js'
import { revived } from './plain-error.js'
import type { FromWorker } from './protocol.js'

/** Checks one at a time: they are rare, and each may take as much memory as it is allowed. */
let turn: Promise<unknown> = Promise.resolve()

/**
 * Opens a file as a detector and runs it once, in a process that is ended at a limit of time or memory.
 *
 * @throws CflowError MODEL, UNAVAILABLE where the process cannot be started
 */
export function checkDetector(
  path: string,
  limits: Pick<Config, 'validationSeconds' | 'validationMemory'>,
): Promise<CheckedDetector> {
  const result = turn.then(() => check(path, limits))
  turn = result.catch(() => undefined)
  return result
}

function check(
  path: string,
  { validationSeconds, validationMemory }: Pick<Config, 'validationSeconds' | 'validationMemory'>,
): Promise<CheckedDetector> {
  return new Promise((resolve, reject) => {
    const child = startChild('checker', import.meta.url)
    const refuse = (message: string) =>
      end(() => reject(new CflowError('MODEL', message, { subject: 'model' })))
    const end = (then: () => void): void => {
      clearTimeout(time)
      clearInterval(memory)
      kill(child)
      then()
    }
    const time = setTimeout(
      () => refuse(`the model did not run within ${validationSeconds} s`),
      1000 * validationSeconds,
    )
    const memory = setInterval(() => {
      void rssOf(child.pid!).then((bytes) => {
        if (bytes > validationMemory)
          refuse(`the model takes more than ${Math.round(validationMemory / 2 ** 20)} MiB`)
      })
    }, 100)
    child.on('error', (cause) =>
      end(() => reject(new CflowError('UNAVAILABLE', 'no process could be started', { cause }))),
    )
    child.on('exit', () => refuse('the model ends the process that runs it'))
    child.on('message', (message: FromWorker) => {
      if (message.type === 'checked') end(() => resolve(message.checked))
      if (message.type === 'refused') end(() => reject(revived(message.error)))
    })
    child.send({ type: 'check', path })
  })
}

/** Memory of a process in bytes; 0 where it cannot be told. */
async function rssOf(pid: number): Promise<number> {
  try {
    if (process.platform === 'linux') {
      const [, kilobytes] =
        /VmRSS:\s+(\d+)/.exec(await readFile(`/proc/${pid}/status`, 'utf8')) ?? []
      return Number(kilobytes ?? 0) * 1024
    }
    if (process.platform === 'win32') return 0
    const { stdout } = await promisify(execFile)('ps', ['-o', 'rss=', '-p', String(pid)])
    return Number(stdout) * 1024
  } catch {
    return 0
  }
}
