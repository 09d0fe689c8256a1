import type * as z from 'zod'
import type { Session } from './io.js'

/** What a command's module exports as `command`; its name and description stand in the list of commands. */
export interface Command<S extends z.ZodObject = z.ZodObject, A extends unknown[] = never[]> {
  /** Help of each argument, by its name. */
  readonly arguments?: Readonly<Record<string, string>>
  readonly settings: S
  /** @param args texts, of `<paths...>` a list */
  readonly run: (session: Session, settings: z.infer<S>, ...args: A) => Promise<void>
}

export const defineCommand = <S extends z.ZodObject, A extends unknown[]>(
  command: Command<S, A>,
): Command => command as unknown as Command
