// what only Node has
import { writeFileAtomic } from '@cflow/base/node'
import { openDataset } from '@cflow/datasets/node'
import { loadEncoderWeights } from '@cflow/encoders/node'
import { renderReport } from '@cflow/report/node'
import { fileCheckpoints } from '@cflow/trainer/node'
import { sha256OfFile } from '@cflow/weights/node'

export const everything = [
  ...[writeFileAtomic, openDataset, loadEncoderWeights, renderReport],
  ...[fileCheckpoints, sha256OfFile],
]
