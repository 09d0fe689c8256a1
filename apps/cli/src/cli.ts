import { failure } from './failure.js'
import type { Io, Session } from './io.js'
import { program } from './program.js'

export { Interruption, type Io } from './io.js'

/**
 * Run the command.
 * @param argv arguments after the program's name
 * @returns the exit code: 0; 1 for failures, also of some images only; 2 for mistakes in usage or data; 130 after Ctrl-C
 */
export async function main(argv: readonly string[], io: Io): Promise<number> {
  const session: Session = {
    io,
    command: ['cflow', ...argv].map(quoted).join(' '),
    json: argv.includes('--json'),
    quiet: argv.includes('--quiet'),
    debug: argv.includes('--debug') || Boolean(io.env['CFLOW_DEBUG']),
    exitCode: 0,
  }
  try {
    const command = await program(session, argv)
    await command.parseAsync([...argv], { from: 'user' })
    return session.exitCode
  } catch (error) {
    return failure(session, error)
  }
}

/** A word as a shell takes it. */
const quoted = (word: string): string =>
  /^[\w@%+=:,./\\-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`
