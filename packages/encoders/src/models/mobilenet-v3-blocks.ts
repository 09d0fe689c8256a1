import type { ConvLayer } from '../layers/conv.js'
import { roundChannels } from './round.js'

type Activation = 'relu' | 'hardSwish'

/** One row of the paper's tables 1 and 2. */
export interface Row {
  readonly kernel: number
  readonly expanded: number
  readonly channels: number
  readonly squeeze: boolean
  readonly activation: Activation
  readonly stride: number
}

/** An inverted residual block: expand, depthwise, squeeze and excite, project. */
export interface Block {
  readonly expand: ConvLayer | undefined
  readonly depthwise: ConvLayer
  readonly squeeze: readonly [reduce: ConvLayer, restore: ConvLayer] | undefined
  readonly project: ConvLayer
  readonly activation: Activation
  readonly residual: boolean
}

/** A block's layers in state dict order. */
export const layersOf = (block: Block): readonly ConvLayer[] => [
  ...(block.expand ? [block.expand] : []),
  block.depthwise,
  ...(block.squeeze ?? []),
  block.project,
]

/** The blocks of a table, named as in torchvision (`features.6.block.3.0`), with timm's names as aliases. */
export function blocksOf(rows: readonly Row[], stages: readonly number[]): readonly Block[] {
  const timm = stages.flatMap((n, s) => Array.from({ length: n }, (_, i) => `blocks.${s}.${i}`))
  let inputs = 16
  return rows.map((row, i) => {
    const block = blockOf(row, inputs, `features.${i + 1}.block`, timm[i] as string)
    inputs = row.channels
    return block
  })
}

function blockOf(row: Row, inputs: number, name: string, timm: string): Block {
  const { expanded, channels, kernel, stride } = row
  const expands = expanded !== inputs
  let index = 0
  const next = (timmConv: string, timmNorm: string) => {
    const module = `${name}.${index++}`
    return {
      conv: `${module}.0`,
      norm: `${module}.1`,
      timm: { conv: `${timm}.${timmConv}`, norm: `${timm}.${timmNorm}` },
    }
  }
  const expand = expands
    ? { ...next('conv_pw', 'bn1'), inputs, outputs: expanded, kernel: 1 }
    : undefined
  const depthwise = {
    ...next('conv_dw', expands ? 'bn2' : 'bn1'),
    inputs: expanded,
    outputs: expanded,
    kernel,
    stride,
    depthwise: true,
  }
  const squeeze = row.squeeze ? squeezeOf(expanded, `${name}.${index++}`, timm) : undefined
  const project = {
    ...(expands ? next('conv_pwl', 'bn3') : next('conv_pw', 'bn2')),
    inputs: expanded,
    outputs: channels,
    kernel: 1,
  }
  const residual = stride === 1 && inputs === channels
  return { expand, depthwise, squeeze, project, activation: row.activation, residual }
}

function squeezeOf(channels: number, name: string, timm: string): readonly [ConvLayer, ConvLayer] {
  const inner = roundChannels(Math.floor(channels / 4))
  const layer = (from: number, to: number, n: number, timmName: string): ConvLayer => ({
    conv: `${name}.fc${n}`,
    inputs: from,
    outputs: to,
    kernel: 1,
    bias: true,
    timm: { conv: `${timm}.se.${timmName}` },
  })
  return [layer(channels, inner, 1, 'conv_reduce'), layer(inner, channels, 2, 'conv_expand')]
}
