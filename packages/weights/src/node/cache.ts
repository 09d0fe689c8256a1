import { homedir } from 'node:os'
import { join } from 'node:path'

/**
 * The folder for files that can be fetched again: `CFLOW_HOME` where it is set, else the system's folder for caches
 * (`$XDG_CACHE_HOME/cflow` or `~/.cache/cflow`, `~/Library/Caches/cflow`, `%LOCALAPPDATA%\cflow\Cache`).
 */
export function cacheFolder(): string {
  const { env, platform } = process
  if (env['CFLOW_HOME']) return env['CFLOW_HOME']
  if (platform === 'darwin') return join(homedir(), 'Library', 'Caches', 'cflow')
  if (platform === 'win32')
    return join(env['LOCALAPPDATA'] ?? join(homedir(), 'AppData', 'Local'), 'cflow', 'Cache')
  return join(env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'cflow')
}
