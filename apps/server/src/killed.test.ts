import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, it } from 'vitest'
import { inOneGo, smallTraining } from '../test/jobs.js'

const data = await mkdtemp(join(tmpdir(), 'cflow-killed-'))
const servers: ChildProcess[] = []
afterAll(async () => {
  for (const server of servers) server.kill('SIGKILL')
  await rm(data, { recursive: true, force: true })
})

/** A server on the same folder as the one before. */
async function start(): Promise<{ readonly url: string; readonly server: ChildProcess }> {
  const config = { data, port: 0, example: false, logLevel: 'warn', threads: 1, jobs: 1 }
  const path = fileURLToPath(new URL('../test/server-process.ts', import.meta.url))
  const flags = ['--conditions=@cflow/source', '--import', import.meta.resolve('tsx')]
  const server = spawn(process.execPath, [...flags, path, JSON.stringify(config)], { stdio: ['ignore', 'pipe', 'inherit'] }) // prettier-ignore
  servers.push(server)
  const url = await new Promise<string>((resolve, reject) => {
    server.stdout!.once('data', (text) => resolve(String(text).trim()))
    server.once('exit', (code) => reject(new Error(`the server ended with ${code}`)))
  })
  return { url, server }
}

interface Job {
  readonly id: string
  readonly status: string
  readonly crashes: number
  readonly progress?: { readonly stage: string; readonly done: number }
  readonly files?: readonly { readonly name: string; readonly sha256: string }[]
}

it('a server that is killed goes on with its jobs when it starts again, to the same bytes', async () => {
  const training = smallTraining(3, 12)
  const first = await start()
  const headers = { 'content-type': 'application/json' }
  const asked = await fetch(`${first.url}/v1/jobs`, { method: 'POST', headers, body: JSON.stringify(training) }) // prettier-ignore
  const { id } = (await asked.json()) as Job
  const jobAt = async (url: string) => (await (await fetch(`${url}/v1/jobs/${id}`)).json()) as Job
  for (
    let job = await jobAt(first.url);
    job.progress?.stage !== 'train';
    job = await jobAt(first.url)
  )
    // prettier-ignore
    await new Promise((resolve) => setTimeout(resolve, 20))
  first.server.kill('SIGKILL')
  await new Promise((resolve) => first.server.once('exit', resolve))
  const second = await start()
  let job: Job
  while (((job = await jobAt(second.url)), !['succeeded', 'failed'].includes(job.status)))
    await new Promise((resolve) => setTimeout(resolve, 100))
  expect(job).toMatchObject({ status: 'succeeded', crashes: 1 })
  const model = job.files!.find(({ name }) => name === 'model.onnx')!
  expect(model.sha256).toBe(await inOneGo(training))
  const work = await readdir(join(data, 'work'))
  expect(work.filter((name) => name.endsWith(`-${first.server.pid}`))).toEqual([])
})
