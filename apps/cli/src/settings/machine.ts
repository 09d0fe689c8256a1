import { openRuntime, type OpenOptions } from '@cflow/runtimes'
import type { MachineSettings } from './schema.js'

/** Where a model runs: what the settings leave open is left out. */
export const deviceOptions = ({ device, threads }: MachineSettings): OpenOptions => ({
  ...(device !== undefined && { device }),
  ...(threads !== undefined && { threads }),
})

/** The runtime that the settings choose. */
export const runtimeOf = (settings: MachineSettings) => openRuntime(deviceOptions(settings))
