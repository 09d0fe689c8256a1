import { messageOf } from '@cflow/base'
import type { Driver } from '../src/driver.js'

/** What every driver is tried on: devices that must be here, and those that need more than the workspace installs. */
const devices: Readonly<Record<string, { readonly must: readonly string[]; readonly may: readonly string[] }>> = {
  'onnxruntime-node': { must: ['cpu'], may: ['cuda', 'webgpu', 'coreml', 'dml'] },
  'onnxruntime-web': { must: ['wasm'], may: [] },
  tfjs: { must: ['cpu', 'wasm'], may: ['tensorflow'] },
} // prettier-ignore

export interface DeviceHere {
  readonly driver: Driver
  readonly device: string
  /** Why it cannot be tried. */
  readonly missing: string | undefined
}

export async function devicesHere(drivers: readonly Driver[]): Promise<readonly DeviceHere[]> {
  const rows = drivers.flatMap((driver) => {
    const [first = 'auto', ...others] = driver.devices
    const { must, may } = devices[driver.name] ?? { must: [first], may: others }
    const known = must.map((device) => Promise.resolve({ driver, device, missing: undefined }))
    const tried = may.map(async (device) => {
      const missing = await driver.open({ device }).then(() => undefined, messageOf)
      return { driver, device, missing }
    })
    return [...known, ...tried]
  })
  return Promise.all(rows)
}
