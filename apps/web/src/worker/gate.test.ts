import type { Runtime } from '@cflow/runtimes'
import { expect, it } from 'vitest'
import { gate, gated } from './gate.js'

it('holds runs back while it is closed, and loses none', async () => {
  const ran: number[] = []
  const runtime = {
    name: 'counting',
    scans: true,
    createSession: async () => ({
      run: async (feeds: Readonly<Record<string, unknown>>) => void ran.push(Number(feeds['n'])),
    }),
  } as unknown as Runtime
  const door = gate()
  const behind = gated(runtime, door)
  expect(behind).toMatchObject({ name: 'counting', scans: true })
  const session = await behind.createSession(new Uint8Array())
  const run = (n: number) => session.run({ n } as never)

  await run(1)
  door.close()
  const waiting = [run(2), run(3)]
  await new Promise((resolve) => setTimeout(resolve, 5))
  expect(ran).toEqual([1])
  door.close()
  door.open()
  await Promise.all(waiting)
  await run(4)
  expect(ran).toEqual([1, 2, 3, 4])
})
