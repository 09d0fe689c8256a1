import { contract } from '@cflow/runtimes/contract'
import { openRuntime } from '@cflow/runtimes'
import { lossesOf } from './steps.ts'

const runtimeOn = (device: string) =>
  openRuntime({ device, wasmPaths: new URL('ort/', document.baseURI).href })

/** What the tests call in the page. */
const api = {
  async runtimeName(device: string) {
    return (await runtimeOn(device)).name
  },
  async contract(device: string, name: string) {
    const test = contract.find((t) => t.name === name)
    if (!test) throw new Error(`the contract has no test ${name}`)
    await test.run(await runtimeOn(device))
  },
  async losses(device: string) {
    return lossesOf(await runtimeOn(device))
  },
}

export type InPage = typeof api
Object.assign(globalThis, { inPage: api })
