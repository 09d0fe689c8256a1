import { connectAsync, type MqttClient } from 'mqtt'
import { randomUUID } from 'node:crypto'
import type { SinkInput } from './config.js'
import type { Message } from './webhook.js'

type MqttSink = Extract<SinkInput, { kind: 'mqtt' }>

/** Milliseconds for a broker to answer, and between two signs of life. */
const timing = { connect: 10_000, alive: 60_000 } as const

/**
 * A broker that is told verdicts. As long as it is connected `PREFIX/status` is `online`; the broker itself says
 * `offline` when the connection breaks.
 */
export async function connectMqtt(sink: MqttSink, onError: (error: unknown) => void) {
  const { url, username, password, prefix, homeAssistant } = sink
  const status = `${prefix}/status`
  const client: MqttClient = await connectAsync(url, {
    clientId: `cflow-${randomUUID().slice(0, 13)}`,
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    connectTimeout: timing.connect,
    reconnectPeriod: 2000,
    // what cannot be sent now waits in the records, not in memory
    queueQoSZero: false,
    will: { topic: status, payload: Buffer.from('offline'), qos: 1, retain: true },
  })
  client.on('error', onError)
  const say = (topic: string, text: string, retain: boolean) =>
    client.publishAsync(topic, text, { qos: 1, retain })
  const online = () => void say(status, 'online', true).catch(onError)
  await say(status, 'online', true)
  client.on('connect', online)
  const timer = setInterval(online, timing.alive)
  /** Detectors that Home Assistant was told of. */
  const announced = new Map<string, Promise<unknown>>()
  const announce = async (detector: string) => {
    if (!homeAssistant) return
    const known = announced.get(detector)
    if (known) return void (await known)
    const id = `${prefix}_${detector}`.replace(/[^A-Za-z0-9_-]/g, '_')
    const config = {
      name: `${detector} anomalous`,
      unique_id: id,
      device_class: 'problem',
      state_topic: `${prefix}/${detector}/verdict`,
      value_template: `{{ 'ON' if value_json.is_anomalous else 'OFF' }}`,
      json_attributes_topic: `${prefix}/${detector}/verdict`,
      availability_topic: status,
      device: { identifiers: [prefix], name: prefix, manufacturer: 'CFLOW-AD' },
    }
    const said = say(`homeassistant/binary_sensor/${id}/config`, JSON.stringify(config), true)
    announced.set(detector, said)
    said.catch(() => announced.delete(detector))
    await said
  }
  return {
    async send({ id, type, timestamp, data }: Message): Promise<void> {
      if (!client.connected) throw new Error('the broker is not connected')
      const { detector } = data
      if (typeof detector === 'string' && type === 'verdict') await announce(detector)
      const topic =
        typeof detector === 'string' ? `${prefix}/${detector}/${type}` : `${prefix}/${type}`
      await say(topic, JSON.stringify({ id, timestamp, ...data }), false)
    },
    async close(): Promise<void> {
      clearInterval(timer)
      if (client.connected) await say(status, 'offline', true).catch(() => undefined)
      await client.endAsync(true)
    },
  }
}

export type MqttConnection = Awaited<ReturnType<typeof connectMqtt>>
