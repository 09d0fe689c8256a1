import type { Command } from './command.js'

interface Entry {
  readonly description: string
  /** Absent for a group of commands, which come after it. */
  readonly load?: () => Promise<{ readonly command: Command }>
}

/**
 * Every command by its name and arguments. To add one, write its module (see `Command`) and its entry here. The entry has
 * what help prints of all commands, so that this is quick: a module is loaded when its command is called.
 */
export const commands: Readonly<Record<string, Entry>> = {
  train: {
    description: 'Train a detector on good images; evaluate it where there are test images.',
    load: () => import('./commands/train.js'),
  },
  'tune [folder]': {
    description:
      'Choose the settings of a training from good images alone, and write them to a file.',
    load: () => import('./commands/tune.js'),
  },
  'evaluate <model>': {
    description: 'Measure a detector on labelled images.',
    load: () => import('./commands/evaluate.js'),
  },
  'predict <model> <paths...>': {
    description: 'Score images: files, folders and globs.',
    load: () => import('./commands/predict.js'),
  },
  'inspect <folder>': {
    description: 'Show how a folder of images is read, and what may be wrong with it.',
    load: () => import('./commands/inspect.js'),
  },
  'update <model>': {
    description: 'Add good images to a detector, such as its false alarms, without the old ones.',
    load: () => import('./commands/update.js'),
  },
  'export <model>': {
    description: 'Make a detector file smaller and faster, if it stays as accurate.',
    load: () => import('./commands/export.js'),
  },
  'benchmark <model>': {
    description: 'Measure a detector file: latency, throughput, memory, time of each stage.',
    load: () => import('./commands/benchmark.js'),
  },
  'import <checkpoint>': {
    description: 'Make a detector of a checkpoint of the authors’ code, with good images to calibrate.', // prettier-ignore
    load: () => import('./commands/import.js'),
  },
  doctor: {
    description: 'Say what this machine can run detectors on, how fast, and what is missing.',
    load: () => import('./commands/doctor.js'),
  },
  'reproduce <what...>': {
    description: 'Compute the paper’s tables and figures again, beside the published figures.',
    load: () => import('./commands/reproduce.js'),
  },
  serve: {
    description: 'Serve detectors over HTTP, with a page to try them.',
    load: () => import('./commands/serve.js'),
  },
  worker: {
    description: 'Take jobs of a server on this machine.',
    load: () => import('./commands/worker.js'),
  },
  token: { description: 'Make, list and revoke the server’s bearer tokens.' },
  'token create <name>': {
    description: 'Make a token and print it, once.',
    load: () => import('./commands/token/create.js'),
  },
  'token list': {
    description: 'The server’s tokens and what they allow.',
    load: () => import('./commands/token/list.js'),
  },
  'token revoke <id>': {
    description: 'End a token.',
    load: () => import('./commands/token/revoke.js'),
  },
  encoders: { description: 'List feature extractors, and fetch or import their weights.' },
  'encoders list': {
    description: 'Every encoder, its taps, and whether its weights are on this machine.',
    load: () => import('./commands/encoders/list.js'),
  },
  'encoders pull <name>': {
    description: 'Download the published weights of an encoder; goes on where it stopped.',
    load: () => import('./commands/encoders/pull.js'),
  },
  'encoders import <name> <file>': {
    description: 'Take the weights of an encoder from a .pth or .safetensors file.',
    load: () => import('./commands/encoders/import.js'),
  },
  'encoders taps <file>': {
    description: 'Values of an ONNX image model that `train --encoder FILE --taps …` could use.',
    load: () => import('./commands/encoders/taps.js'),
  },
}

/** Name and settings of every command. */
export const allSettings = () =>
  Promise.all(
    Object.entries(commands).flatMap(([usage, { load }]) =>
      load ? [load().then(({ command }) => ({ name: nameOf(usage), ...command }))] : [],
    ),
  )

/** 'encoders pull <name>' → 'encoders pull' */
export const nameOf = (usage: string): string => usage.replace(/ [<[].*/, '')
