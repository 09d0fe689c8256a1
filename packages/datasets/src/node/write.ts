import { CflowError } from '@cflow/base'
import { rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Dataset, Sample } from '../dataset.js'
import { fault, fileError } from './files.js'
import { writeMaskPng, writePng } from './images.js'

/**
 * Write a dataset as PNG in MVTec AD's layout into `<dir>/<category>/`, numbered 000, 001, … in each folder. It is
 * written beside that folder first and renamed when complete.
 * @throws CflowError USAGE where the folder exists already, a name cannot be a folder, or a sample has no known label;
 *   IO; whatever loading throws
 */
export async function writeDataset(dataset: Dataset, dir: string): Promise<void> {
  const target = join(dir, folderName(dataset.category))
  if (await stat(target).catch(() => undefined))
    throw fault('USAGE', target, 'exists already', 'Choose another folder or remove it first.')
  const temporary = join(dir, `.${dataset.category}.${process.pid}.tmp`)
  try {
    const counts = new Map<string, number>()
    for (const sample of [...dataset.train, ...dataset.test]) {
      const folder = join(sample.split, classOf(sample))
      const count = counts.get(folder) ?? 0
      counts.set(folder, count + 1)
      await writeSample(sample, temporary, String(count).padStart(3, '0'))
    }
    if (counts.size === 0)
      throw new CflowError('EMPTY', `the dataset '${dataset.category}' has no images`)
    await rename(temporary, target)
  } catch (cause) {
    await rm(temporary, { recursive: true, force: true })
    throw cause instanceof CflowError ? cause : fileError(target, cause)
  }
}

async function writeSample(sample: Sample, root: string, name: string): Promise<void> {
  const defect = classOf(sample)
  await writePng(join(root, sample.split, defect, `${name}.png`), await sample.load())
  if (sample.label !== 'anomalous' || sample.loadMask === undefined) return
  const path = join(root, 'ground_truth', defect, `${name}_mask.png`)
  await writeMaskPng(path, await sample.loadMask())
}

function classOf(sample: Sample): string {
  if (sample.label === 'unknown')
    throw new CflowError('USAGE', `nobody says whether ${sample.id} is good or defective`, {
      subject: sample.id,
      hint: 'Sort it into a class first.',
    })
  return sample.label === 'good' ? 'good' : folderName(sample.defect)
}

function folderName(name: string): string {
  if (/^[^./\\:*?"<>|][^/\\:*?"<>|]*$/.test(name)) return name
  throw new CflowError('USAGE', `'${name}' cannot be the name of a folder`, { subject: name })
}
