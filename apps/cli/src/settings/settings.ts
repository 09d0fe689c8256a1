import type { FieldRange } from '@cflow/base'
import * as z from 'zod'

/** One setting of a schema, as flags, configuration files, forms and documentation need it. */
export interface Setting {
  /** In camel case, as in a configuration file. */
  readonly key: string
  /** The same in kebab case: `--input-size`. */
  readonly flag: string
  /** `numbers` and `texts` are lists, in text with commas between. */
  readonly kind: 'switch' | 'number' | 'text' | 'numbers' | 'texts'
  /** With the choices that there are. */
  readonly help: string
  /** Stands for the value in help, such as DIR; a switch has none. */
  readonly placeholder?: string | undefined
  /** Heading that it stands under. */
  readonly group: string
  /** What holds where nothing is said, for people. */
  readonly otherwise?: string | undefined
  /** What a value that does not fit is told in place of zod's message, such as 'needs a whole number'. */
  readonly error?: string | undefined
  /** Numbers that it takes, for errors. */
  readonly range?: FieldRange | undefined
  /** Of a switch that says the opposite of another: that one's key. */
  readonly negates?: string
}

/** What a field's metadata (zod's `.meta`) may say; `otherwise` where the schema has no default that says it. */
export type SettingMeta = Partial<
  Pick<Setting, 'help' | 'placeholder' | 'group' | 'otherwise' | 'error'>
> & {
  /** Of a switch: the key that says the opposite. */
  readonly negation?: { readonly key: string; readonly help: string }
}

/** What is read of a field's JSON schema, in which its metadata stand too. */
type Field = SettingMeta & {
  readonly type?: string
  readonly enum?: readonly string[]
  readonly default?: unknown
  readonly anyOf?: readonly Field[]
  readonly items?: Field | false
  readonly prefixItems?: readonly Field[]
  readonly minimum?: number
  readonly maximum?: number
}

/** Choices and defaults come from the schema, so that no help text repeats them. */
export function settingsOf(schema: z.ZodObject): readonly Setting[] {
  const { properties } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' })
  return Object.entries(properties as Record<string, Field>).flatMap(([key, field]) => {
    const { group = 'options', otherwise = defaultText(field.default), negation, error } = field
    const kind = kindOf(field)
    const placeholder = field.placeholder ?? placeholders[kind]
    const flag = `--${kebab(key)}`
    const range = rangeOf(field)
    const setting = {
      key,
      flag,
      kind,
      help: helpOf(field),
      placeholder,
      group,
      otherwise,
      error,
      range,
    }
    if (!negation) return [setting]
    return [setting, { kind, group, ...negation, flag: `--${kebab(negation.key)}`, negates: key }]
  })
}

/** The bounds of a number where it has both; JSON schemas write down those of all integers, too. */
function rangeOf({ type, minimum, maximum }: Field): FieldRange {
  const isBound = (n: number | undefined) => Math.abs(n ?? Infinity) < Number.MAX_SAFE_INTEGER
  const bounds =
    isBound(minimum) && isBound(maximum) ? { minimum: minimum!, maximum: maximum! } : {}
  return { ...bounds, ...(type === 'integer' && { integer: true }) }
}

/** A default for people; undefined for what is as good as none. */
export function defaultText(value: unknown): string | undefined {
  if (typeof value === 'boolean') return value ? 'the default' : undefined
  return value === undefined || String(value) === '' ? undefined : String(value)
}

/** Fields that stand under one heading. */
export const grouped = <T extends Readonly<Record<string, z.ZodType>>>(
  group: string,
  shape: T,
): T =>
  Object.fromEntries(
    Object.entries(shape).map(([key, field]) => [key, field.meta({ ...field.meta(), group })]),
  ) as T

/** inputSize → input-size */
export const kebab = (key: string): string => key.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`)

/** input-size → inputSize */
export const camel = (key: string): string =>
  key.replace(/-+([a-z0-9])/g, (_, c: string) => c.toUpperCase())

const placeholders = { switch: undefined, number: 'N', text: 'NAME', numbers: 'A,B', texts: 'A,B' }

function kindOf({ type, anyOf, items, prefixItems }: Field): Setting['kind'] {
  const numeric = (fields: readonly Field[]) => fields.every((f) => kindOf(f) === 'number')
  if (type === 'boolean') return 'switch'
  if (type === 'array') return numeric(prefixItems ?? (items ? [items] : [])) ? 'numbers' : 'texts'
  return type === 'number' || type === 'integer' || (anyOf && numeric(anyOf)) ? 'number' : 'text'
}

/** The choices are added unless the help speaks of each: 'loss: nll or logsigmoid'. */
function helpOf({ help = '', items, enum: choices = (items || {}).enum ?? [] }: Field): string {
  if (choices.every((choice) => help.includes(choice))) return help
  return `${help}: ${choices.slice(0, -1).join(', ')} or ${choices.at(-1)}`
}
