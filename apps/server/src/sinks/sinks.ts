import { messageOf } from '@cflow/base'
import { setTimeout } from 'node:timers/promises'
import type { ServerContext, ServerEvents } from '../http/context.js'
import type { DeliveryRecord, SinkRecord } from '../state/state.js'
import { sinkOf, type SinkInput } from './config.js'
import { enqueue, wants } from './enqueue.js'
import type { MqttConnection } from './mqtt.js'
import { sendWebhook, type Message } from './webhook.js'

const defaults = {
  /** Between two looks for what is to be delivered, and for sinks that came or went elsewhere. */
  poll: 1000,
  /** After the first attempt; each further one waits twice as long, an hour at most. */
  backoff: 2000,
  longest: 3_600_000,
  /** After so many a delivery is dead. */
  attempts: 12,
  /** A server that tries a delivery and is not heard of for so long has died. */
  hidden: 60_000,
}

/** Events that are being written down at most, and deliveries at a time. */
const maxima = { inFlight: 1000, batch: 32 } as const

/**
 * Tells sinks of events. What is to be told is a record before it is sent, so that it survives this server; any server
 * that shares the records sends it.
 */
export function startSinks(
  { state, events, log }: Pick<ServerContext, 'state' | 'events' | 'log'>,
  options: Partial<typeof defaults> = {},
) {
  const timing = { ...defaults, ...options }
  const closing = new AbortController()
  let woken = new AbortController()
  let sinks: readonly { readonly record: SinkRecord; readonly config: SinkInput }[] = []
  let read = -Infinity
  const brokers = new Map<string, Promise<MqttConnection>>()
  let inFlight = 0
  let dropped = 0

  const wake = (): void => {
    const before = woken
    woken = new AbortController()
    before.abort()
  }
  const refresh = async (): Promise<void> => {
    read = Date.now()
    sinks = (await state.sinks.list()).map((record) => ({ record, config: sinkOf(record) }))
    const there = new Set(sinks.map(({ record }) => record.id))
    for (const [id, broker] of brokers)
      if (!there.has(id)) {
        brokers.delete(id)
        void broker.then((b) => b.close()).catch(() => undefined)
      }
    // availability is told before there is a verdict
    for (const { record, config } of sinks)
      if (config.kind === 'mqtt') brokerOf(record.id, config).catch(() => undefined)
  }
  const brokerOf = (id: string, config: Extract<SinkInput, { kind: 'mqtt' }>) => {
    const known = brokers.get(id)
    if (known) return known
    const broker = import('./mqtt.js').then(
      ({ connectMqtt }) =>
      connectMqtt(config, (err) => log.warn({ sink: id, err: messageOf(err) }, 'an MQTT broker does not answer')), // prettier-ignore
    )
    brokers.set(id, broker)
    broker.catch(() => brokers.get(id) === broker && brokers.delete(id))
    return broker
  }

  /** Writes down for each sink that asked for it what is to be told. */
  const tell = (type: 'verdict' | 'drift', data: Readonly<Record<string, unknown>>) => {
    for (const { record, config } of sinks)
      if (wants(config, type, data)) void write(record.id, type, data)
  }
  const write = async (sink: string, type: string, data: Readonly<Record<string, unknown>>) => {
    if (inFlight >= maxima.inFlight) return drop(sink)
    inFlight++
    try {
      if (await enqueue(state, sink, type, data)) wake()
      else drop(sink)
    } catch (err) {
      drop(sink, err)
    } finally {
      inFlight--
    }
  }
  const drop = (sink: string, err?: unknown): void => {
    // the first of many
    if (dropped++ % 1000 === 0) log.warn({ sink, dropped, err }, 'events for a sink are dropped: too many wait') // prettier-ignore
  }

  const deliver = async (delivery: DeliveryRecord): Promise<void> => {
    const { id, sink: sinkId, payload, attempts } = delivery
    try {
      const known = sinks.find(({ record }) => record.id === sinkId)
      const record = known?.record ?? (await state.sinks.get(sinkId))
      if (!record) return await state.sinks.delivered(id)
      const config = known?.config ?? sinkOf(record)
      const message = { id, ...payload } as unknown as Message
      if (config.kind === 'webhook') await sendWebhook(config, message, closing.signal)
      else await (await brokerOf(sinkId, config)).send(message)
      await state.sinks.delivered(id)
    } catch (error) {
      // it was not tried: somebody else does
      const tried = closing.signal.aborted ? attempts : attempts + 1
      const wait = Math.min(timing.longest, timing.backoff * 2 ** (tried - 1))
      const nextAt = closing.signal.aborted ? 0 : Date.now() + Math.round(wait * (0.8 + 0.4 * Math.random())) // prettier-ignore
      const dead = tried >= timing.attempts
      const lastError = causeOf(error)
      if (dead) log.warn({ sink: sinkId, delivery: id, err: lastError }, 'a delivery was given up')
      await state.sinks
        .failed(id, { attempts: tried, nextAt, dead, lastError })
        .catch((err: unknown) => log.warn({ err }, 'a failed delivery could not be written down'))
    }
  }
  const loop = async (): Promise<void> => {
    while (!closing.signal.aborted) {
      const woke = woken
      try {
        if (Date.now() - read >= timing.poll) await refresh()
        const now = Date.now()
        const due = await state.sinks.due(now, now + timing.hidden, maxima.batch)
        await Promise.all(due.map(deliver))
        if (due.length === maxima.batch) continue
      } catch (err) {
        log.warn({ err }, 'sinks cannot be served')
      }
      if (woke !== woken) continue
      const signal = AbortSignal.any([closing.signal, woken.signal])
      await setTimeout(timing.poll, undefined, { signal }).catch(() => undefined)
    }
  }

  const onVerdict = (event: ServerEvents['verdict'][0]) => {
    const { detector, version, requestId, image, score, threshold, anomalous, pValue, regions } = event // prettier-ignore
    tell('verdict', {
      ...{ at: new Date(event.at).toISOString(), detector, version, request_id: requestId },
      ...(image !== undefined && { image }),
      ...{ anomaly_score: score, anomaly_threshold: threshold, is_anomalous: anomalous },
      p_value: pValue,
      ...(regions !== undefined && { regions }),
    })
  }
  const onDrift = ({ at, pValue, adjustedPValue, scales, ...rest }: ServerEvents['drift'][0]) =>
    tell('drift', {
      ...{ at: new Date(at).toISOString(), ...rest, p_value: pValue },
      adjusted_p_value: adjustedPValue,
      scales: scales.map((scale) => ({ shift: scale.shift, p_value: scale.pValue })),
    })
  events.on('verdict', onVerdict).on('drift', onDrift)
  const running = loop()
  return {
    /** Sinks changed here. */
    async changed(): Promise<void> {
      await refresh()
      wake()
    },
    /** Tells one sink something to try it. */
    test: (sink: string) => write(sink, 'test', { at: new Date().toISOString() }),
    async close(): Promise<void> {
      events.off('verdict', onVerdict).off('drift', onDrift)
      closing.abort()
      await running
      for (const broker of brokers.values())
        await broker.then((b) => b.close()).catch(() => undefined)
    },
  }
}

export type Sinks = ReturnType<typeof startSinks>

/** What went wrong; `fetch` hides it in the cause. */
function causeOf(error: unknown): string {
  const { cause } = error as { readonly cause?: unknown }
  return cause === undefined ? messageOf(error) : `${messageOf(error)}: ${messageOf(cause)}`
}
