import { openRuntime } from '@cflow/runtimes'
import { tfjs } from '@cflow/runtimes/tfjs'
import { callsOn } from '../in-page/calls.ts'

Object.assign(globalThis, {
  inPage: callsOn((device) => openRuntime({ driver: tfjs, device })),
})
