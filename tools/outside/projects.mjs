// Packages as tarballs, and projects outside of the workspace that install them.
import { execFile } from 'node:child_process'
import { copyFile, mkdir, readFile, readdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const here = dirname(fileURLToPath(import.meta.url))
const workspace = dirname(dirname(here))
const { packageManager } = JSON.parse(await readFile(join(workspace, 'package.json'), 'utf8'))

/** Run a command. @throws with its output in the message */
export async function command(file, args, cwd) {
  // what vitest and package managers set would reach the project, too
  const outer = /^(NODE_OPTIONS|NODE_ENV|VITEST|npm_|pnpm_)/i
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !outer.test(name)))
  const options = { cwd, env, shell: process.platform === 'win32' && file === 'npx' }
  try {
    return (await promisify(execFile)(file, args, { ...options, maxBuffer: 2 ** 26 })).stdout
  } catch (error) {
    const { stdout, stderr } = error
    throw new Error(`${file} ${args.join(' ')} failed:\n${stdout}${stderr}`, { cause: error })
  }
}

const pnpm = (args, cwd) =>
  command('npx', ['--yes', '--prefer-offline', packageManager, ...args], cwd)

/** Node on one file of a project; gives what it printed. */
export const node = (file, cwd) => command(process.execPath, [file], cwd)

/** A tool that the workspace has, on a project. */
export const tool = (path, args, cwd) =>
  command(process.execPath, [join(workspace, 'node_modules', path), ...args], cwd)

/** Pack every package that is published. @returns the tarballs by the packages' names */
export async function packAll(folder) {
  await mkdir(folder, { recursive: true })
  const everyone = [
    '--filter',
    './packages/*',
    '--filter',
    './apps/cli',
    '--filter',
    './apps/server',
  ]
  await pnpm([...everyone, 'pack', '--pack-destination', folder], workspace)
  const files = (await readdir(folder)).filter((file) => file.endsWith('.tgz')).sort()
  return new Map(
    files.map((file) => [
      file.replace(/^cflow-(.*)-\d+\.\d+\.\d+.*\.tgz$/, '@cflow/$1'),
      join(folder, file),
    ]),
  )
}

const unreachable =
  /ERR_PNPM_(NO_OFFLINE\w*|META_FETCH_FAIL|FETCH_\w+)|ENOTFOUND|ECONNREFUSED|ECONNRESET|ETIMEDOUT|EAI_AGAIN/

/**
 * A new project with the files of `uses/` that are named, and with packages of ours (from the tarballs) and others: those of
 * the workspace's versions, and `others` with theirs.
 * @returns undefined, or why it could not be installed: neither the store nor a registry gives a package of others
 */
export async function project(folder, tarballs, { dependencies, files, others = {} }) {
  await mkdir(folder, { recursive: true })
  for (const file of files) {
    await mkdir(dirname(join(folder, file)), { recursive: true })
    await copyFile(join(here, 'uses', file), join(folder, file))
  }
  const file = (name) => `file:${tarballs.get(name)}`
  const manifest = {
    ...{ name: 'outside', version: '1.0.0', private: true, type: 'module' },
    dependencies: {
      ...others,
      ...Object.fromEntries(
        dependencies.map((name) => [name, tarballs.has(name) ? file(name) : versionOf(name)]),
      ),
    },
    pnpm: {
      overrides: Object.fromEntries([...tarballs.keys()].map((name) => [name, file(name)])),
      ignoredBuiltDependencies: ['onnxruntime-node', 'protobufjs'],
    },
  }
  await writeFile(join(folder, 'package.json'), JSON.stringify(manifest, null, 2))
  try {
    await pnpm(['install', '--prefer-offline', '--ignore-workspace', '--fetch-retries=1'], folder)
    return undefined
  } catch (error) {
    if (!unreachable.test(error.message)) throw error
    return error.message
      .split('\n')
      .findLast((line) => unreachable.test(line))
      .trim()
  }
}

const catalog = await readFile(join(workspace, 'pnpm-workspace.yaml'), 'utf8')

/** The version of a package of others that this workspace is tested with. */
const versionOf = (name) => catalog.match(new RegExp(`^  ${name}: (.*)$`, 'm'))[1]
