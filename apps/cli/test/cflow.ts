import { main } from '../src/cli.js'

export interface Outcome {
  readonly code: number
  readonly out: string
  readonly err: string
}

export interface World {
  readonly columns?: number
  readonly signal?: AbortSignal
  readonly isTerminal?: boolean
  /** Called with every piece of standard output. */
  readonly onOut?: (text: string) => void
  /** Called with every piece of standard error. */
  readonly onErr?: (text: string) => void
}

/** Run the command in this process. */
export async function cflow(args: readonly string[], world: World = {}): Promise<Outcome> {
  let [out, err] = ['', '']
  const code = await main(args, {
    out: (text) => {
      out += text
      world.onOut?.(text)
    },
    err: (text) => {
      err += text
      world.onErr?.(text)
    },
    columns: world.columns,
    isTerminal: world.isTerminal ?? false,
    env: {},
    signal: world.signal ?? new AbortController().signal,
  })
  return { code, out, err }
}

/** The one JSON document that `--json` prints. */
export const json = <T>({ out }: Outcome): T => JSON.parse(out) as T

/** Settings that train in seconds. */
export const tiny = [
  ...['--input-size', '64', '--passes', '1', '--pool-layers', '1', '--coupling-layers', '2'],
  // of so few images the folds may keep no pass at all
  ...['--folds', '0', '--quiet'],
] as const
/** Images that `writeMvtec` wrote into a folder, with those settings. */
export const tinySet = (root: string): readonly string[] => [
  ...['--dataset', 'mvtec', '--root', root, '--category', 'part'],
  ...tiny,
]
