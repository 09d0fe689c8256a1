import { CflowError, type Tensor } from '@cflow/base'
import { readMetadata, readOnnx, topologicalOrder } from '@cflow/graph'
import { parseManifest } from '../detector-file/manifest.js'
import { logDeterminantName } from '../transforms/transform.js'
import { flowTransform } from './flow.js'
import type { Flow } from './density.js'

/**
 * The flow of one scale of a detector file, as a density over the positions of its feature map.
 * @param scale 0 is the finest
 * @throws CflowError MODEL when the bytes are no detector with such a flow in float32
 */
export function readFlow(bytes: Uint8Array, scale: number): Flow {
  const { flows, encoder } = parseManifest(readMetadata(bytes))
  const [config, tap] = [flows[scale], encoder.taps[scale]]
  const none = (why: string) => new CflowError('MODEL', `no flow ${scale}: ${why}`, { subject: 'scale' }) // prettier-ignore
  if (!config || !tap) throw none(`the detector has ${flows.length}`)
  const prefix = `flow${scale}.`
  const parameters = new Map<string, Tensor>()
  for (const node of topologicalOrder(Object.values(readOnnx(bytes).outputs)))
    if (node.kind === 'constant' && node.name?.startsWith(prefix))
      parameters.set(node.name.slice(prefix.length), node.tensor)
  if (!parameters.has('block0.weight0'))
    throw none('its constants are stored in another form (a quantised file)')
  if (!parameters.has(logDeterminantName))
    throw none('the file was made by an earlier version, which did not store it; train again')
  const whitened = parameters.has('whitening')
  const map = { height: tap.height, width: tap.width }
  const based = parameters.has('base.factor')
  const { fold } = flowTransform(config, { lastMixing: false, whitened, based })
  const transform = fold!.transform(map)
  return { transform, parameters, ...((whitened || config.condition > 0) && { map }) }
}
