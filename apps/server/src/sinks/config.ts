import * as z from 'zod'
import { nameSchema } from '../http/schemas.js'
import type { SinkRecord } from '../state/state.js'

const common = {
  events: z
    .array(z.enum(['verdict', 'drift', 'job']))
    .min(1)
    .default(['verdict'])
    .meta({ description: 'What is told: verdicts, drift of scores, the ends of jobs.' }),
  only: z
    .enum(['all', 'anomalous'])
    .default('all')
    .meta({ description: 'Whether verdicts on good images are told, too.' }),
  detectors: z
    .array(nameSchema)
    .min(1)
    .max(1000)
    .optional()
    .meta({ description: 'Of these detectors only.' }),
}
const webhookSchema = z.strictObject({
  kind: z.literal('webhook'),
  url: z.url({ protocol: /^https?$/ }).max(2000),
  secret: z.string().min(16).max(512).meta({
    description: 'Signs what is sent (Standard Webhooks: HMAC-SHA256 of id.timestamp.body).',
  }),
  ...common,
})
const topic = z.string().regex(/^[^+#\u0000/][^+#\u0000]{0,199}$/, 'is a topic without wildcards')
const mqttSchema = z.strictObject({
  kind: z.literal('mqtt'),
  url: z.url({ protocol: /^(mqtts?|wss?)$/ }).max(2000),
  username: z.string().max(500).optional(),
  password: z.string().max(500).optional(),
  prefix: topic.default('cflow').meta({
    description:
      'Verdicts go to PREFIX/DETECTOR/verdict, availability (online, offline) to PREFIX/status.',
  }),
  homeAssistant: z.boolean().default(false).meta({
    description: 'Announce each detector to Home Assistant (homeassistant/binary_sensor/…).',
  }),
  ...common,
})

/** Where events go, as the API takes it. */
export const sinkInput = z.discriminatedUnion('kind', [webhookSchema, mqttSchema])
export type SinkInput = z.output<typeof sinkInput>

export const sinkOf = ({ kind, config }: SinkRecord): SinkInput =>
  sinkInput.parse({ ...config, kind })
