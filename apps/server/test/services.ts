import { Aedes } from 'aedes'
import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { chmod, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { connect, createServer, type AddressInfo } from 'node:net'
import { tmpdir, userInfo } from 'node:os'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'
import { access, constants } from 'node:fs/promises'

const run = promisify(execFile)

/** A service that runs on loopback for tests. */
export interface Service {
  readonly url: string
  stop(): Promise<void>
}

/** One that can be ended and started again on the same port with what it kept. */
export interface RestartableService extends Service {
  restart(): Promise<void>
}

/** A port of loopback that is free now. */
export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

async function find(name: string): Promise<string | undefined> {
  const debian = await readdir('/usr/lib/postgresql').catch((): string[] => [])
  const folders = [
    ...debian.sort((a, b) => Number(b) - Number(a)).map((v) => `/usr/lib/postgresql/${v}/bin`),
    ...(process.env['PATH'] ?? '').split(delimiter),
    ...['/usr/local/bin', '/usr/bin', '/usr/sbin'],
  ]
  for (const folder of folders) {
    const path = join(folder, name)
    if (
      await access(path, constants.X_OK).then(
        () => true,
        () => false,
      )
    )
      return path
  }
  return undefined
}

const redisPath = await find('redis-server')
const [initdbPath, postgresPath] = [await find('initdb'), await find('postgres')]
/** Whom PostgreSQL runs as: it refuses to run as root. */
const unprivileged =
  userInfo().uid === 0 ? await idsOf('postgres').catch(() => idsOf('nobody').catch(() => undefined)) : {} // prettier-ignore

async function idsOf(user: string): Promise<{ uid: number; gid: number }> {
  const idOf = async (flag: string) => Number((await run('id', [flag, user])).stdout)
  return { uid: await idOf('-u'), gid: await idOf('-g') }
}

const missing = (what: string, package_: string): string =>
  `skipped: there is no ${what} (apt-get install ${package_})`

/** Why a service cannot be started here; undefined where it can. */
export const without = {
  redis: redisPath === undefined ? missing('redis-server', 'redis-server') : undefined,
  postgres:
    initdbPath === undefined || postgresPath === undefined || unprivileged === undefined
      ? missing('postgres', 'postgresql')
      : undefined,
} as const
for (const reason of Object.values(without)) if (reason !== undefined) console.warn(reason)

/** Ends a process, at last by force. */
async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = new Promise((resolve) => child.once('exit', resolve))
  child.kill(signal)
  const timer = setTimeout(() => child.kill('SIGKILL'), 5000)
  await gone
  clearTimeout(timer)
}

async function listening(port: number, child: ChildProcess, log: () => string): Promise<void> {
  for (let n = 0; n < 300; n++) {
    if (child.exitCode !== null) throw new Error(`a test service ended:\n${log()}`)
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => resolve(true))
      socket.on('error', () => resolve(false))
      setTimeout(() => resolve(false), 500).unref()
      socket.once('connect', () => socket.destroy())
    })
    if (open) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error(`a test service does not listen:\n${log()}`)
}

function started(command: string, args: readonly string[], ids: object) {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], ...ids })
  let log = ''
  for (const stream of [child.stdout!, child.stderr!])
    stream.on('data', (chunk) => (log = (log + String(chunk)).slice(-4000)))
  return { child, log: () => log }
}

/** Redis that keeps what it holds over a restart. @param policy what it does when memory is full */
export async function startRedis(policy = 'noeviction'): Promise<RestartableService> {
  const dir = await mkdtemp(join(tmpdir(), 'cflow-redis-'))
  const port = await freePort()
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--dir', dir, '--appendonly', 'yes']
  args.push('--save', '', '--maxmemory-policy', policy)
  const start = async () => {
    const { child, log } = started(redisPath!, args, {})
    await listening(port, child, log)
    return child
  }
  let child = await start()
  return {
    url: `redis://127.0.0.1:${port}`,
    async restart() {
      await end(child, 'SIGTERM')
      child = await start()
    },
    async stop() {
      await end(child, 'SIGTERM')
      await rm(dir, { recursive: true, force: true })
    },
  }
}

/** PostgreSQL listens before it answers. */
async function accepting(url: string): Promise<void> {
  for (let n = 0; ; n++) {
    const client = new pg.Client({ connectionString: url })
    try {
      await client.connect()
      return await client.end()
    } catch (error) {
      if (n === 300) throw error
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
}

/** PostgreSQL with an empty database. */
export async function startPostgres(): Promise<RestartableService> {
  const dir = await mkdtemp(join(tmpdir(), 'cflow-postgres-'))
  await chmod(dir, 0o777)
  const data = join(dir, 'data')
  await run(
    initdbPath!,
    ['-D', data, '-U', 'cflow', '--auth=trust', '-E', 'UTF8', '--no-locale', '--no-sync'],
    { ...unprivileged, cwd: dir },
  )
  const port = await freePort()
  const args = ['-D', data, '-p', String(port), '-h', '127.0.0.1', '-k', dir]
  for (const setting of ['fsync=off', 'max_connections=60', 'shared_buffers=16MB'])
    args.push('-c', setting)
  const url = `postgres://cflow@127.0.0.1:${port}/postgres`
  const start = async () => {
    const { child, log } = started(postgresPath!, args, { ...unprivileged, cwd: dir })
    await listening(port, child, log)
    await accepting(url)
    return child
  }
  let child = await start()
  return {
    url,
    async restart() {
      await end(child, 'SIGINT')
      child = await start()
    },
    async stop() {
      await end(child, 'SIGINT')
      await rm(dir, { recursive: true, force: true })
    },
  }
}

/** An S3-compatible server with one bucket, as the address of a storage. */
export async function startS3(): Promise<Service> {
  const { default: S3rver } = await import('s3rver')
  const dir = await mkdtemp(join(tmpdir(), 'cflow-s3-'))
  await mkdir(join(dir, 'bucket'))
  process.env['AWS_ACCESS_KEY_ID'] ??= 'S3RVER'
  process.env['AWS_SECRET_ACCESS_KEY'] ??= 'S3RVER'
  const server = new S3rver({
    address: '127.0.0.1',
    port: await freePort(),
    silent: true,
    directory: dir,
    configureBuckets: [{ name: 'cflow', configs: [] }],
  })
  const { port } = await server.run()
  const endpoint = encodeURIComponent(`http://127.0.0.1:${port}`)
  return {
    url: `s3://cflow/some/prefix?endpoint=${endpoint}`,
    async stop() {
      await server.close()
      await rm(dir, { recursive: true, force: true })
    },
  }
}

/** An MQTT broker. */
export async function startMqtt(): Promise<Service> {
  const broker = await Aedes.createBroker()
  const server = createServer(broker.handle)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async stop() {
      await new Promise<void>((resolve) => broker.close(() => resolve()))
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
