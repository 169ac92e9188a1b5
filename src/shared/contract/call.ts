import type { z } from 'zod'
import type { SerializedError } from '../errors'
import type { NamedPath } from './purposes'

/** One thing that the window may ask for: the schema that its input must pass, and the type of its answer. */
export interface Call<S extends z.ZodType, O> extends CallOptions<z.output<S>> {
  readonly input: S
  /** Never set: it carries the type of the answer, which comes from our own processes and is not checked again. */
  readonly output?: O
}

export interface CallOptions<I> {
  /** The paths that the input names, and for what: each must have been granted for that. */
  readonly paths?: (input: I) => readonly NamedPath[]
  /** Largest input, counted in characters of its JSON; default MAX_INPUT. */
  readonly maxInput?: number
}

/** Inputs are forms and selections, never tensors or files. */
export const MAX_INPUT = 2 ** 20

/** Declares a call: `call<Answer>()(inputSchema)`. */
export const call =
  <O>() =>
  <S extends z.ZodType>(input: S, options: CallOptions<z.output<S>> = {}): Call<S, O> => ({ input, ...options })

export type Calls = Readonly<Record<string, Call<z.ZodType, unknown>>>
// biome-ignore lint/suspicious/noExplicitAny: a call of any answer; `unknown` would not match, since outputs vary
export type OutputOf<C> = C extends Call<any, infer O> ? O : never
/** What the caller passes, before defaults are filled in. */
export type InputOf<C> = C extends Call<infer S, unknown> ? z.input<S> : never
/** What the answering side gets, defaults filled in. */
export type ParsedInputOf<C> = C extends Call<infer S, unknown> ? z.output<S> : never

/** How an answer crosses processes, where thrown errors would lose their fields. */
export type Answer<T = unknown> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: SerializedError }
