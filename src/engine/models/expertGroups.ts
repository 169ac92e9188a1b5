import { badInput } from '../../shared/errors'
import type { GraphBuilder, Value } from '../graph/graphBuilder'
import type { ConfigReader } from './configReader'
import { FARTHEST, largest } from './largest'

/** Experts in groups of neighbours, of which a token's experts come from a few. */
export interface ExpertGroups {
  /** How many groups there are; they part the experts evenly. */
  readonly count: number
  /** Of how many groups a token's experts are. */
  readonly chosen: number
  /** A group's score is the sum of its so many largest ones. */
  readonly best: number
}

/**
 * Scores [tokens, count] of experts, those outside of a token's groups so far below the others that they are not chosen.
 *
 * Source: DeepSeek-V2, arXiv 2405.04434, 2.2.2; DeepSeek-V3, arXiv 2412.19437, 2.1.2.
 */
export function withinGroups(graph: GraphBuilder, scores: Value, groups: ExpertGroups, count: number): Value {
  const size = count / groups.count
  const rows = graph.reshape(scores, [-1, size])
  const best = graph.mul(rows, largest(graph, rows, { count: size, perToken: groups.best }))
  const sums = graph.reshape(graph.sum(best, [-1]), [-1, groups.count])
  const open = graph.reshape(largest(graph, sums, { count: groups.count, perToken: groups.chosen }), [-1, 1])
  const closed = graph.mul(graph.sub(open, graph.scalar(1)), graph.scalar(FARTHEST))
  return graph.reshape(graph.add(rows, closed), [-1, count])
}

/** @throws {AppError} BAD_INPUT where groups do not part the experts, or hold too few for a token */
export function checkGroups(config: ConfigReader, groups: ExpertGroups, count: number, perToken: number): void {
  const size = count / groups.count
  if (!Number.isInteger(size) || size < groups.best) {
    const least = groups.best > 1 ? `, of ${groups.best} experts at least each` : ''
    throw badInput(`${config.where}: n_group is ${groups.count}, expected a divisor of the ${count} experts${least}`)
  }
  if (groups.chosen > groups.count) {
    throw badInput(`${config.where}: topk_group is ${groups.chosen}, expected at most n_group ${groups.count}`)
  }
  if (perToken > groups.chosen * size) {
    const found = `num_experts_per_tok is ${perToken}, expected at most ${groups.chosen * size}`
    throw badInput(`${config.where}: ${found}, the experts of topk_group ${groups.chosen} groups`)
  }
}
