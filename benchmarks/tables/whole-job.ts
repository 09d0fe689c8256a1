import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cli, runScript } from '../child.js'
import { median } from '../measure.js'
import type { BenchOptions } from '../options.js'
import { startPeer } from '../peer.js'
import type { Table } from '../table.js'

const passes = 200

/** The default recipe on MVTec transistor against 200 passes of the authors' recipe in PyTorch, from measured passes. */
export async function wholeJob(options: BenchOptions): Promise<Table> {
  const title = 'Whole job: MVTec transistor, EfficientNet-Lite0, 256 px'
  const columns = ['training', 'seconds', 'share of the peer’s time']
  const { mvtec } = options
  if (mvtec === undefined || !existsSync(join(mvtec, 'transistor')))
    return { title, columns, rows: [], note: 'Not run: give the folder of MVTec AD with --mvtec.' }
  const peer = options.peers ? startPeer('recipe_time.py') : undefined
  const perPass: number[] = []
  const cpuPerPass: number[] = []
  const jobs: number[] = []
  const out = mkdtempSync(join(tmpdir(), 'cflow-bench-'))
  try {
    for (let round = 0; round < (options.quick ? 1 : options.rounds); round++) {
      const run = ['--dataset', 'mvtec', '--root', mvtec, '--category', 'transistor']
      const args = ['train', ...run, '--out', join(out, `run${round}`)]
      jobs.push((await runScript(cli, args)).seconds)
      if (peer) {
        const pass = await peer.ask<{ secondsPerPass: number; cpuSecondsPerPass: number }>({
          threads: options.threads,
        })
        perPass.push(pass.secondsPerPass)
        cpuPerPass.push(pass.cpuSecondsPerPass)
      }
    }
    const ours = median(jobs)
    const theirs = passes * median(perPass)
    return {
      title,
      columns,
      rows: [
        [
          'default recipe, from images to the detector file and its evaluation',
          ours,
          peer && `1/${Math.round(theirs / ours)}`,
        ],
        [`authors’ recipe in PyTorch, ${passes} passes, flows alone`, theirs],
      ],
      note: `The peer’s time is ${passes} times a measured pass (${median(perPass).toFixed(1)} s), without encoder, decoding and evaluation; in processor time ${median(cpuPerPass).toFixed(1)} s a pass. On a loaded machine PyTorch’s threads wait for each other: compare on a quiet one.`,
    }
  } finally {
    peer?.stop()
    rmSync(out, { recursive: true, force: true })
  }
}
