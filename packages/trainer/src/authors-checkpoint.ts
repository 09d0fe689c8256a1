import { CflowError } from '@cflow/base'
import { flowOfState, type FlowConfig, type ScaleFlow } from '@cflow/core'
import { encoderNames, encoderSpec, type EncoderSpec, fitWeights } from '@cflow/encoders'
import type { Weights } from '@cflow/weights'

/** A checkpoint of the authors' code: {'encoder_state_dict', 'decoder_state_dict': [one per scale]}. */
export interface AuthorsCheckpoint {
  readonly spec: EncoderSpec
  /** Of the encoder's taps; absent where the file holds no encoder. */
  readonly weights?: Weights
  /** Finest scale first. */
  readonly flows: readonly ScaleFlow[]
}

export interface AuthorsCheckpointOptions {
  /** Name of the encoder; found by its shapes when absent. */
  readonly encoder?: string
  /** `paper` (default), or `freia` for flows trained with another form of the clamp. */
  readonly clamp?: FlowConfig['clamp']
}

const [encoderKey, decoderKey] = ['encoder_state_dict.', 'decoder_state_dict.']

/**
 * Understand the tensors of a checkpoint file (see `readPth`).
 * @throws CflowError WEIGHTS that names the tensor, NOT_FOUND for an unknown encoder, USAGE when it must be named
 */
export function authorsCheckpoint(
  tensors: Weights,
  { encoder, clamp = 'paper' }: AuthorsCheckpointOptions = {},
): AuthorsCheckpoint {
  const decoders = decodersOf(tensors)
  const flows = decoders.map((state, k): ScaleFlow =>
    flowOfState(state, clamp, `${decoderKey}${k}`),
  )
  const stored = under(tensors, encoderKey)
  const depths = flows.map((f) => f.config.depth)
  const spec = encoder === undefined ? guessed(depths, stored) : encoderSpec(encoder)
  checkDepths(spec, depths)
  return {
    spec,
    flows,
    ...(stored.size > 0 && { weights: fitWeights(spec.parameters, stored, spec.name) }),
  }
}

function decodersOf(tensors: Weights): readonly Weights[] {
  const decoders: Weights[] = []
  for (let k = 0; ; k++) {
    const state = under(tensors, `${decoderKey}${k}.`)
    if (state.size === 0) break
    decoders.push(state)
  }
  if (decoders.length >= 1 && decoders.length <= 3) return decoders
  throw new CflowError(
    'WEIGHTS',
    decoders.length === 0
      ? 'the file holds no decoders: it is no checkpoint of the authors’ code'
      : `the file holds ${decoders.length} decoders, more than the three scales of CFLOW-AD`,
    {
      subject: 'decoder_state_dict',
      hint: 'a checkpoint is a dictionary of encoder_state_dict and a list decoder_state_dict',
    },
  )
}

const under = (tensors: Weights, prefix: string): Weights =>
  new Map(
    [...tensors].flatMap(([key, t]) =>
      key.startsWith(prefix) ? [[key.slice(prefix.length), t] as const] : [],
    ),
  )

const channelsOf = (spec: EncoderSpec, scales: number): number[] =>
  spec.taps.slice(-scales).map((t) => t.channels)

/** Encoders whose taps have the depths of the decoders. */
const fitting = (depths: readonly number[]): EncoderSpec[] =>
  encoderNames
    .map((name) => encoderSpec(name))
    .filter((spec) => channelsOf(spec, depths.length).join() === depths.join())

function guessed(depths: readonly number[], stored: Weights): EncoderSpec {
  const specs = fitting(depths)
  const sure = stored.size === 0 ? specs : specs.filter((spec) => fits(spec, stored))
  if (sure.length === 1) return sure[0] as EncoderSpec
  const names = (sure.length > 0 ? sure : specs).map((s) => s.name)
  throw new CflowError(
    'USAGE',
    `which encoder the checkpoint is for cannot be told from its depths ${depths.join(', ')}`,
    {
      subject: 'encoder',
      hint:
        names.length > 0
          ? `name it: ${names.join(', ')} have these depths`
          : `no encoder has these depths: ${encoderNames.join(', ')}`,
    },
  )
}

function fits(spec: EncoderSpec, stored: Weights): boolean {
  try {
    fitWeights(spec.parameters, stored, spec.name)
    return true
  } catch {
    return false
  }
}

function checkDepths(spec: EncoderSpec, depths: readonly number[]): void {
  const channels = channelsOf(spec, depths.length)
  if (channels.join() === depths.join()) return
  const others = fitting(depths).map((s) => s.name)
  throw new CflowError(
    'WEIGHTS',
    `the decoders are for ${depths.join(', ')} channels, and the taps of ${spec.name} have ${channels.join(', ')}`,
    {
      subject: spec.name,
      ...(others.length > 0 && { hint: `encoders with those channels: ${others.join(', ')}` }),
    },
  )
}
