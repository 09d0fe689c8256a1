import { randomUUID } from 'node:crypto'
import { lstat, readFile, rename, rm, rmdir } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { CflowError } from '@cflow/base'
import { makeFolder, writeFileAtomic, writingError } from '@cflow/base/node'
import { jsonText } from './metrics-document.js'
import { lockFolder } from './run-lock.js'

/** What a training or an evaluation leaves. */
export interface RunFiles {
  /** The detector file. */
  readonly model?: Uint8Array
  readonly metrics?: unknown
  /** HTML. */
  readonly report?: string
  /** Scores of the images, CSV. */
  readonly scores?: string
}

/** Where things lie in the folder of a run. */
export const runPaths = (folder: string) => ({
  model: join(folder, 'model.onnx'),
  metrics: join(folder, 'metrics.json'),
  report: join(folder, 'report.html'),
  scores: join(folder, 'scores.csv'),
  checkpoint: join(folder, 'checkpoint'),
})

/** How the run of a folder stands, in `run.json`: what lies beside it is whole only when it is `complete`. */
export type RunState = 'running' | 'complete' | 'interrupted' | 'failed'

/** The folder of a run while it is written to. */
export interface Run {
  /** Results of an earlier run are taken away, so that they never lie beside what belongs to this one. */
  begin(): Promise<void>
  /**
   * Write the results: all of them appear, one right after the other, or none.
   * @throws CflowError IO that names the path
   */
  write(files: RunFiles): Promise<void>
  /**
   * Write down how the run ended and give the folder free. Where nothing was written the folder is as it was before: the
   * folders that were made are removed again.
   */
  end(state: Exclude<RunState, 'running'>): Promise<void>
}

export interface RunOptions {
  /** What writes, such as `train`. */
  readonly command: string
  /** The results that it will write. */
  readonly results: readonly (keyof RunFiles)[]
  /** Whether the folder holds checkpoints. */
  readonly checkpoint?: boolean
  /** Whether results, and a checkpoint, that are there already may be replaced. */
  readonly overwrite?: boolean
  /** Whether the checkpoint that is there is gone on with. */
  readonly resume?: boolean
}

/**
 * Take the folder of a run, before any work: a place that cannot be written to, that another process writes to, or that
 * holds results, is found out at once.
 * @throws CflowError EXISTS where there are results, or a checkpoint that was not asked for; BUSY where another process
 *   writes into the folder; IO that names the path
 */
export async function openRun(folder: string, options: RunOptions): Promise<Run> {
  const { command, results, checkpoint = false } = options
  const paths = runPaths(folder)
  const statePath = join(folder, 'run.json')
  const made = await makeFolder(folder)
  const lock = await lockFolder(folder, join(folder, 'run.lock'))
  const found = await readFile(statePath, 'utf8').catch(() => undefined)
  const died = lock.tookOver && stateOf(found) === 'running'
  const before = died ? jsonText({ ...JSON.parse(found!), state: 'interrupted' }) : found
  const removeMade = async (): Promise<void> => {
    if (made === undefined) return
    for (let path = resolve(folder); path.startsWith(made); path = dirname(path))
      if (!(await removeEmpty(path))) return
  }
  const since = new Date().toISOString()
  const writeState = (state: RunState) => {
    const until = state === 'running' ? {} : { until: new Date().toISOString() }
    return writeFileAtomic(statePath, jsonText({ state, command, since, ...until }))
  }
  let written = false
  const run: Run = {
    async begin() {
      if (written) return
      await lock.requireHeld()
      written = true
      for (const name of results) await rm(paths[name], { force: true }).catch(() => undefined)
    },
    async write(files) {
      await run.begin()
      await lock.requireHeld()
      await writeTogether(
        // the detector comes last: where it is, the rest is too
        (['metrics', 'report', 'scores', 'model'] as const).flatMap((name) => {
          const content =
            name === 'metrics' ? files.metrics && jsonText(files.metrics) : files[name]
          return content === undefined ? [] : [{ path: paths[name], content: content as string }]
        }),
      )
    },
    async end(state) {
      try {
        await lock.requireHeld()
        if (written) await writeState(state)
        else if (before !== undefined) await writeFileAtomic(statePath, before)
        else await rm(statePath, { force: true })
        if (checkpoint) await removeEmpty(paths.checkpoint)
      } finally {
        await lock.release()
        if (!written) await removeMade()
      }
    },
  }
  try {
    if (died) await removePartial(results, folder)
    await requireFree(folder, options)
    if (checkpoint) await makeFolder(paths.checkpoint)
    await writeState('running')
    return run
  } catch (error) {
    await run.end('failed').catch(() => undefined)
    throw error
  }
}

/** @throws CflowError EXISTS, or IO for what is no file */
async function requireFree(folder: string, options: RunOptions): Promise<void> {
  const { results, checkpoint = false, overwrite = false, resume = false } = options
  const paths = runPaths(folder)
  for (const name of results) {
    const found = await lstat(paths[name]).catch(() => undefined)
    if (found?.isDirectory()) throw writingError(paths[name], { code: 'EISDIR' })
    if (found && !overwrite && !resume)
      throw new CflowError('EXISTS', `${folder} holds results already: ${basename(paths[name])}`, {
        subject: paths[name],
        hint: 'Choose another folder, or add --overwrite to replace them.',
      })
  }
  if (!checkpoint || overwrite || resume) return
  const kept = join(paths.checkpoint, 'checkpoint.safetensors')
  if (await lstat(kept).catch(() => undefined))
    throw new CflowError('EXISTS', `${folder} holds the checkpoint of an unfinished training`, {
      subject: kept,
      hint: 'Add --resume to go on with it, or --overwrite to begin again.',
    })
}

const stateOf = (text: string | undefined): unknown => {
  try {
    return (JSON.parse(text ?? 'null') as { state?: unknown } | null)?.state
  } catch {
    return undefined
  }
}

/** What a process that died between two results left: the last one is missing. */
async function removePartial(results: readonly (keyof RunFiles)[], folder: string): Promise<void> {
  const paths = runPaths(folder)
  if (!results.includes('model') || (await lstat(paths.model).catch(() => undefined))) return
  for (const name of ['metrics', 'report', 'scores'] as const)
    await rm(paths[name], { force: true })
}

interface Content {
  readonly path: string
  readonly content: Uint8Array | string
}

/** Write files under other names first, then rename all of them; what fails leaves none. */
async function writeTogether(files: readonly Content[]): Promise<void> {
  const staged = files.map(({ path, content }) => {
    const temporary = join(dirname(path), `.${basename(path)}.${randomUUID()}.new`)
    return { path, content, temporary }
  })
  const renamed: string[] = []
  try {
    for (const { path, content, temporary } of staged)
      await writeFileAtomic(temporary, content).catch((error: unknown) => {
        throw error instanceof CflowError ? writingError(path, error.cause) : error
      })
    for (const { path, temporary } of staged) {
      await rename(temporary, path).catch((error: unknown) => {
        throw writingError(path, error)
      })
      renamed.push(path)
    }
  } catch (error) {
    for (const path of [...renamed, ...staged.map((f) => f.temporary)])
      await rm(path, { force: true }).catch(() => undefined)
    throw error
  }
}

async function removeEmpty(path: string): Promise<boolean> {
  return rmdir(path).then(
    () => true,
    () => false,
  )
}
