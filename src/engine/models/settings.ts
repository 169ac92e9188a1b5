import type { ConfigReader } from './configReader'

/** What one key of config.json may hold, and what its absence means. */
export interface Setting<T> {
  /** The value where the key is absent: the default of the family's config class. */
  readonly fallback: T
  /** The value under a key that is present, null included. */
  read(config: ConfigReader, key: string): T
}

const kind =
  <T>(read: (config: ConfigReader, key: string) => T) =>
  (fallback: T): Setting<T> => ({ fallback, read })

/** A positive whole number. */
export const integer = kind((config, key) => config.integer(key))
/** The same, or 0. */
export const natural = kind((config, key) => (config.raw(key) === 0 ? 0 : config.integer(key)))
export const number = kind((config, key) => config.number(key))
export const positive = kind((config, key) => {
  const value = config.number(key)
  if (value <= 0) throw config.complaint(key, 'a number above 0')
  return value
})
export const flag = kind((config, key) => config.boolean(key))
export const wholes = kind((config, key) => config.wholes(key))
export const text = kind((config, key) => config.string(key))
export const texts = kind((config, key) => config.strings(key))

/** A positive whole number, or "auto", for one that follows from others; this is also what the key's absence means. */
export const integerOrAuto: Setting<number | 'auto'> = {
  fallback: 'auto',
  read: (config, key) => (config.raw(key) === 'auto' ? 'auto' : config.integer(key))
}

/** A key that the config class does not have, and its model reads where it is given: null is no absence. */
export const beside = <T>(make: (fallback: T) => Setting<T>, example: T): Setting<T | null> => ({
  ...make(example),
  fallback: null
})

/** The same, or null; null is also what its absence means, unless the config class has another default. */
export const orNull = <T>(make: (fallback: T) => Setting<T>, fallback: T | null = null): Setting<T | null> => ({
  fallback,
  read: (config, key) => (config.has(key) ? make(fallback as T).read(config, key) : null)
})

/**
 * A key that changes the result in a way that Quail does not compute: only the values that leave it alone are accepted,
 * anything else is refused by name. The first is what its absence means.
 */
export const only = <const T extends boolean | number | null>(...accepted: readonly [T, ...T[]]): Setting<T> => ({
  fallback: accepted[0],
  read(config, key) {
    const value = config.raw(key) as T
    if (!accepted.includes(value)) throw config.complaint(key, accepted.map((each) => `${each}`).join(' or '))
    return value
  }
})

/** The same for keys that let a position see those behind it, which makes an embedding model. */
export const onlyCausal = <const T extends boolean | string | null>(...accepted: readonly [T, ...T[]]): Setting<T> => ({
  fallback: accepted[0],
  read(config, key) {
    const value = config.raw(key) as T
    if (accepted.includes(value)) return value
    const values = accepted.map((each) => JSON.stringify(each)).join(' or ')
    throw config.complaint(key, `${values}: an embedding model, which predicts no next token, cannot be prepared`)
  }
})

/** Keys of config.json with what each may hold: the table that a family declares. */
export type SettingsTable = Readonly<Record<string, Setting<unknown>>>

/** Every key of a table with its value. */
export type Settings<T extends SettingsTable> = {
  readonly [K in keyof T]: T[K] extends Setting<infer V> ? V : never
}

/** What transformers reads for every family, whatever its config class declares. */
const COMMON = {
  /** False makes every position see the whole row. */
  is_causal: only(true),
  /** Overrides of settings for single layers. */
  per_layer_config: only(null),
  /** Modules that are joined when the model is loaded, and so have other names. */
  fusion_config: only(null),
  /** Another file of weights than the usual ones. */
  transformers_weights: only(null)
} as const

/**
 * The settings of a config.json, as the attributes of transformers' config object: an absent key has the default of the
 * family's config class, an explicit null is one only where the class accepts it.
 *
 * @param aliases - other names of keys (`attribute_map` of the config class); a name given there wins, as it does in
 *   transformers, which assigns them last
 * @throws {AppError} BAD_INPUT naming the key, what was found and what is accepted
 */
export function readSettings<const T extends SettingsTable>(
  config: ConfigReader,
  table: T,
  aliases: Readonly<Record<string, string>> = {}
): Settings<T & typeof COMMON> {
  const read = ([key, setting]: [string, Setting<unknown>]) => {
    const alias = Object.keys(aliases).find((name) => aliases[name] === key && config.given(name))
    const name = alias ?? key
    return [key, config.given(name) ? setting.read(config, name) : setting.fallback]
  }
  return Object.fromEntries(Object.entries({ ...COMMON, ...table }).map(read)) as Settings<T & typeof COMMON>
}

/** The same where what the class keeps values under wins over the names that it declares, which are its aliases too. */
export function readKeptNames<const T extends SettingsTable>(
  config: ConfigReader,
  table: T,
  aliases: Readonly<Record<string, string>>
): Settings<T & typeof COMMON> {
  const beaten = Object.entries(aliases).filter(([, name]) => config.given(name))
  return readSettings(config.with(Object.fromEntries(beaten.map(([alias]) => [alias, undefined]))), table, aliases)
}
