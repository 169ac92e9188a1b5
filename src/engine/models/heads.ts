import { badInput } from '../../shared/errors'
import type { ConfigReader } from './configReader'

interface Heads {
  readonly hidden_size: number
  readonly num_attention_heads: number
  readonly num_key_value_heads: number | null
  readonly head_dim: number | null
}

/** Heads where the config leaves them open: of hidden_size / heads dimensions, and as many for keys and values as for queries. */
export function deriveHeads(
  config: ConfigReader,
  { hidden_size, num_attention_heads: heads, num_key_value_heads, head_dim }: Heads
): { head_dim: number; num_key_value_heads: number } {
  const keyValueHeads = num_key_value_heads ?? heads
  if (heads % keyValueHeads !== 0) {
    throw badInput(`${config.where}: num_key_value_heads is ${keyValueHeads}, expected a divisor of ${heads} heads`)
  }
  if (head_dim === null && hidden_size < heads) {
    throw badInput(`${config.where}: num_attention_heads is ${heads}, expected at most hidden_size ${hidden_size}`)
  }
  return { head_dim: head_dim ?? Math.floor(hidden_size / heads), num_key_value_heads: keyValueHeads }
}

/**
 * Dimensions of a head in families that have no key for them.
 *
 * @throws {AppError} BAD_INPUT where the heads do not divide the hidden size, or another `head_dim` is given
 */
export function equalHeads(config: ConfigReader, hiddenSize: number, heads: number): number {
  const dimensions = dividedHidden(config, hiddenSize, heads)
  if (config.has('head_dim') && config.integer('head_dim') !== dimensions) {
    throw config.complaint('head_dim', `${dimensions}, hidden_size / num_attention_heads`)
  }
  return dimensions
}

/**
 * The hidden size divided by the heads: some config classes ask that it is a whole number, whatever head_dim says.
 *
 * @throws {AppError} BAD_INPUT where it is none
 */
export function dividedHidden(config: ConfigReader, hiddenSize: number, heads: number): number {
  if (hiddenSize % heads === 0) return hiddenSize / heads
  throw badInput(`${config.where}: num_attention_heads is ${heads}, expected a divisor of hidden_size ${hiddenSize}`)
}
