import type { GraphBuilder, Value } from './graphBuilder'

/**
 * What the linears of a number format make of their inputs x [tokens, features], the tokens of one batch, before they
 * multiply them by Q.
 *
 * @param real - [tokens, 1], 1 for tokens and 0 for the pads behind them
 */
export type InputRounding = (graph: GraphBuilder, x: Value, real: Value) => Value
