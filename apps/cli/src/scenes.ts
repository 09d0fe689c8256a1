import { CflowError } from '@cflow/base'
import { writeFileAtomic } from '@cflow/base/node'
import { datasetCategories, type DatasetSettings } from '@cflow/datasets/node'
import { jsonText } from '@cflow/trainer/node'
import { readFile, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { note, printJson, type Session } from './io.js'
import { shareCommand } from './queue.js'
import { usage } from './settings/parse.js'
import { rate } from './summary.js'

/** What a command prints of one scene with `--json`, as far as it is used here. */
interface SceneMetrics {
  readonly image?: { readonly auroc: number | null }
  readonly pixel?: { readonly auroc: number | null }
}

/**
 * Run a command once for each scene of ShanghaiTech Campus that can be tested, as the paper does (section 5.1: a model
 * a scene; Table 5: the mean of their AUROCs). Results of scene 01 go into `<out>/01`, all together into
 * `<out>/metrics.json`. With a queue the scenes are shared by all processes that run the same command with it.
 * @param command one run, with the settings of its scene, in a session that catches what it prints
 */
export async function everyScene<
  S extends DatasetSettings & {
    readonly out?: string | undefined
    readonly queue?: string | undefined
  },
>(
  session: Session,
  settings: S,
  command: (session: Session, settings: S, scene: string) => Promise<void>,
): Promise<void> {
  const { root, out } = settings
  if (settings.dataset !== 'stc' || root === undefined)
    throw new CflowError('USAGE', '--scenes is for --dataset stc with --root', {
      subject: '--scenes',
    })
  if (settings.scene !== undefined)
    throw new CflowError('USAGE', '--scene and --scenes exclude each other', { subject: '--scene' })
  const scenes = await datasetCategories({ dataset: 'stc', root })
  if (scenes.length === 0)
    throw new CflowError('EMPTY', `there are no test clips in ${root}`, {
      subject: root,
      hint: 'They lie in testing/frames/<scene>_<n>/.',
    })
  const documents: Record<string, SceneMetrics> = {}
  const done = (scene: string, metrics: SceneMetrics) => {
    documents[scene] = metrics
    if (!session.json) session.io.out(`scene ${scene}   ${sceneLine(metrics)}\n`)
  }
  const { queue } = settings
  if (queue !== undefined) {
    if (out === undefined) throw usage('--queue', 'what is shared needs a folder: give --out')
    await shareScenes(session, queue, out, scenes)
    for (const scene of scenes) done(scene, await finished(out, scene))
  } else
    for (const [i, scene] of scenes.entries()) {
      note(session, `scene ${scene} (${i + 1} of ${scenes.length})`)
      let printed = ''
      const io = { ...session.io, out: (text: string) => void (printed += text) }
      const own = { scene, scenes: undefined, ...(out !== undefined && { out: join(out, scene) }) }
      await command({ ...session, io, json: true }, { ...settings, ...own }, scene)
      done(scene, JSON.parse(printed) as SceneMetrics)
    }
  const meanOf = (kind: keyof SceneMetrics): { readonly auroc: number } => {
    const known = Object.values(documents).flatMap((document) => document[kind]?.auroc ?? [])
    return { auroc: known.reduce((a, b) => a + b, 0) / known.length }
  }
  const all = { mean: { image: meanOf('image'), pixel: meanOf('pixel') }, scenes: documents }
  if (out !== undefined) await writeFileAtomic(join(out, 'metrics.json'), jsonText(all))
  if (session.json) printJson(session, all)
  else session.io.out(`mean       ${sceneLine(all.mean)}\n`)
}

/** Train the scenes that are not finished, together with all that share the queue and the folder. */
async function shareScenes(
  session: Session,
  queue: string,
  out: string,
  scenes: readonly string[],
): Promise<void> {
  const unfinished: string[] = []
  for (const scene of scenes) if (!(await metricsIn(out, scene))) unfinished.push(scene)
  const partOf = (scene: string) => async (): Promise<readonly string[]> => {
    const own = join(out, scene)
    const begun = await stat(join(own, 'checkpoint')).catch(() => undefined)
    return ['--scene', scene, '--out', own, ...(begun ? ['--resume'] : [])]
  }
  const parts = new Map(unfinished.map((scene) => [`scene ${scene}`, partOf(scene)] as const))
  await shareCommand(session, queue, ['scenes', resolve(out)], parts)
}

/** @throws CflowError RUNTIME for a training that left nothing */
async function finished(out: string, scene: string): Promise<SceneMetrics> {
  const found = await metricsIn(out, scene)
  if (found) return found
  throw new CflowError('RUNTIME', `scene ${scene} was not finished`, {
    subject: join(out, scene),
    hint: `run \`--scene ${scene}\` alone to see why, then this again`,
  })
}

/** What a finished training left. */
async function metricsIn(out: string, scene: string): Promise<SceneMetrics | undefined> {
  const text = await readFile(join(out, scene, 'metrics.json'), 'utf8').catch(() => undefined)
  return text === undefined ? undefined : (JSON.parse(text) as SceneMetrics)
}

const sceneLine = ({ image, pixel }: SceneMetrics): string =>
  `frames AUROC ${rate(image?.auroc ?? NaN)}  pixels AUROC ${rate(pixel?.auroc ?? NaN)}`
