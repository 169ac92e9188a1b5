import type { DeviceTensor, Tensor } from '../graph/session'
import type { ExpertsSpec } from './experts'

/** What a block gives its experts, for a batch. */
export interface Routed<Input extends Tensor | DeviceTensor = Tensor | DeviceTensor> {
  /** Inputs of the experts, [tokens, hidden], here or on the device. */
  readonly input: Input
  /** Routing weights, [tokens, count]; 0 where a token is not routed to an expert. */
  readonly routing: Float32Array
}

/** An expert with the tokens of a batch that are routed to it. */
export interface ExpertTokens {
  readonly expert: number
  readonly tokens: Int32Array
  /** The expert's weights for them, [tokens, 1]. */
  readonly weight: Tensor
}

/** The experts that tokens of a batch are routed to, in their order. */
export function routedTokens({ routing }: Pick<Routed, 'routing'>, { count }: ExpertsSpec): ExpertTokens[] {
  const experts = Array.from({ length: count }, (_, expert) => {
    const tokens = tokensOf(routing, count, expert)
    const data = Float32Array.from(tokens, (token) => routing[token * count + expert] as number)
    return { expert, tokens, weight: { data, shape: [tokens.length, 1] } }
  })
  return experts.filter(({ tokens }) => tokens.length > 0)
}

function tokensOf(routing: Float32Array, count: number, expert: number): Int32Array {
  const tokens: number[] = []
  for (let at = expert, token = 0; at < routing.length; at += count, token++) if (routing[at] !== 0) tokens.push(token)
  return Int32Array.from(tokens)
}
