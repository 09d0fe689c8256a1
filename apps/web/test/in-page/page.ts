import { openRuntime } from '@cflow/runtimes'
import { callsOn } from './calls.ts'

const wasmPaths = new URL('ort/', document.baseURI).href
Object.assign(globalThis, { inPage: callsOn((device) => openRuntime({ device, wasmPaths })) })
