import { syntheticDataset } from '@cflow/datasets'
import { trainDetector } from '@cflow/trainer'

const { train } = syntheticDataset({ kind: 'mesh', size: 64, train: 12 })
const images = await Promise.all(train.map((sample) => sample.load()))
await trainDetector(images, {
  ...{ inputSize: 64, passes: 2, heldOut: 0.3, folds: 0 },
  previews: {
    images: 2, // at most; 4 when absent
    onPreview({ pass, source, images: seen, range: [low, high] }) {
      for (const { id, map } of seen) console.log(pass, source, id, map.length, low, high)
    },
  },
})
