import { badInput } from '../../shared/errors'
import { shownValue } from '../../shared/shownValue'
import { MAX_HEADS } from '../formats/limits'

export type Json = Readonly<Record<string, unknown>>

/** Keys that count heads. */
const HEADS = /_heads?$/

/** Typed access to a checkpoint's config.json; every complaint names the file, the key, what was found and expected. */
export class ConfigReader {
  constructor(
    private readonly config: Json,
    readonly where: string
  ) {}

  /** The same file with other values for some keys. */
  with(values: Json): ConfigReader {
    return new ConfigReader({ ...this.config, ...values }, this.where)
  }

  /** Whether the key is there, be it with null. */
  given(key: string): boolean {
    return Object.hasOwn(this.config, key) && this.config[key] !== undefined
  }

  /** Whether the key is there with something else than null. */
  has(key: string): boolean {
    return this.given(key) && this.config[key] !== null
  }

  /** The keys that are there. */
  keys(): string[] {
    return Object.keys(this.config).filter((key) => this.given(key))
  }

  /** The value as it stands in the file, undefined where the key is absent. */
  raw(key: string): unknown {
    return this.given(key) ? this.config[key] : undefined
  }

  /** A positive whole number; of heads not more than any model has. */
  integer(key: string, fallback?: number): number {
    const isCount = (value: unknown) => Number.isSafeInteger(value) && (value as number) > 0
    const found = this.#read<number>(key, fallback, isCount, 'a positive integer')
    if (HEADS.test(key) && found > MAX_HEADS) throw this.complaint(key, `at most ${MAX_HEADS}`)
    return found
  }

  /** A number that float32, in which models compute, can hold. */
  number(key: string, fallback?: number): number {
    return this.#read(
      key,
      fallback,
      (value) => typeof value === 'number' && Number.isFinite(Math.fround(value)),
      'a number'
    )
  }

  boolean(key: string, fallback?: boolean): boolean {
    return this.#read(key, fallback, (value) => typeof value === 'boolean', 'true or false')
  }

  string(key: string, fallback?: string): string {
    return this.#read(key, fallback, (value) => typeof value === 'string', 'a string')
  }

  /** A list of as many numbers. */
  numbers(key: string, count: number): number[] {
    const isList = (value: unknown) =>
      Array.isArray(value) && value.length === count && value.every((item) => Number.isFinite(item))
    return this.#read<number[]>(key, undefined, isList, `a list of ${count} numbers`)
  }

  /** A list of whole numbers. */
  wholes(key: string): number[] {
    const isList = (value: unknown) => Array.isArray(value) && value.every(Number.isSafeInteger)
    return this.#read<number[]>(key, undefined, isList, 'a list of whole numbers')
  }

  strings(key: string): string[] {
    const isList = (value: unknown) => Array.isArray(value) && value.every((item) => typeof item === 'string')
    return this.#read<string[]>(key, undefined, isList, 'a list of strings')
  }

  /** A nested object, empty when the key is missing or null. */
  object(key: string): ConfigReader {
    return new ConfigReader(this.plainObject(key), `${this.where}: ${key}`)
  }

  /** The same as it stands in the file. */
  plainObject(key: string): Json {
    const value = this.has(key) ? this.config[key] : {}
    if (typeof value !== 'object' || Array.isArray(value)) throw this.complaint(key, 'an object')
    return value as Json
  }

  /** The error for a value that Quail cannot use. */
  complaint(key: string, expected: string): Error {
    return badInput(`${this.where}: ${key} is ${shownValue(this.raw(key))}, expected ${expected}`)
  }

  /** @param fallback - the value where the key is absent; null is no absence */
  #read<T>(key: string, fallback: T | undefined, accepts: (value: unknown) => boolean, expected: string): T {
    const value = this.given(key) ? this.config[key] : fallback
    if (value === undefined || !accepts(value)) throw this.complaint(key, expected)
    return value as T
  }
}
