import { badInput } from '../../shared/errors'
import type { GraphBuilder, Value } from '../graph/graphBuilder'
import { type ActivationName, activate } from './activations'
import type { ConfigReader } from './configReader'
import { type ExpertGroups, withinGroups } from './expertGroups'
import { FARTHEST, largest } from './largest'

/** A damaged config must not ask for memory before a tensor contradicts it. */
export const MAX_EXPERTS = 4096

/** A tensor of every expert of a block. Names are relative to the block. */
export interface ExpertTensor {
  /** Name of the graph's input. */
  readonly input: string
  /** One expert's, as the checkpoint holds it: [rows, columns], or [values] of a bias. */
  readonly shape: readonly number[]
  /** The name that it has for one expert, in checkpoints that hold each expert by itself. */
  readonly alone?: (expert: number) => string
  /** The tensor of all experts, in checkpoints that hold them together: its shape, and which element of an expert's part is the first. */
  readonly stacked: {
    readonly name: string
    readonly shape: readonly number[]
    readonly first: number
    /** Whether files may have the matrix of each expert turned. */
    readonly turnable?: boolean
  }
}

/**
 * The experts of a block, which are computed apart:
 *
 *     Σₑ wₑ · expertₑ(n)
 *
 * with n [tokens, hidden] and the routing weights w [tokens, count], 0 where a token is not routed to an expert. They stand
 * behind everything else in the block, whose output is what `buildBlock` returns and this sum, or the block goes on with it.
 */
export interface ExpertsSpec {
  readonly count: number
  /** Experts that a token is routed to. */
  readonly perToken: number
  readonly hiddenSize: number
  /** Name of the router's module; left out where that is a linear, which is quantized as any other. */
  readonly router?: string
  /** Whether transformers keeps the router in float32, whatever the dtype of the others. */
  readonly float32Router?: boolean
  /** Whether weights are factors of what an expert is given, Σₑ expertₑ(wₑ · n), and not of what it makes of that. */
  readonly weighsInputs?: boolean
  readonly tensors: readonly ExpertTensor[]
  /** What one expert makes of rows x [rows, hidden]; its tensors are given by the names of their inputs. */
  build(graph: GraphBuilder, x: Value, tensor: (input: string) => Value): Value
}

export interface GatedExperts {
  readonly count: number
  readonly perToken: number
  readonly hiddenSize: number
  readonly intermediateSize: number
  readonly activation: ActivationName
  readonly float32Router?: boolean
  /** Names of the modules of router and experts, and of gate, up and down of one expert. */
  readonly names: {
    readonly router?: string
    readonly module: string
    /** In files that hold each expert by itself; left out where none do. */
    readonly alone?: readonly [gate: string, up: string, down: string]
    /** In those that hold all of a block in one tensor: of gates and ups, and of downs. */
    readonly stacked?: readonly [gateUp: string, down: string]
  }
  /** Whether files that hold all in one tensor may have every matrix turned. */
  readonly turnable?: boolean
}

/** Experts down(act(gate(n)) · up(n)) without biases. Source: transformers modeling_qwen3_moe, modeling_mixtral. */
export function gatedExperts(options: GatedExperts): ExpertsSpec {
  const { count, perToken, hiddenSize: hidden, intermediateSize: wide, activation, names } = options
  const { module, stacked = ['gate_up_proj', 'down_proj'], alone = [] } = names
  const own = (name?: string) =>
    name === undefined ? {} : { alone: (expert: number) => `${module}.${expert}.${name}.weight` }
  const turnable = options.turnable === true && { turnable: true }
  const gateUp = { name: `${module}.${stacked[0]}`, shape: [count, 2 * wide, hidden], ...turnable }
  const down = { name: `${module}.${stacked[1]}`, shape: [count, hidden, wide], first: 0, ...turnable }
  return {
    count,
    perToken,
    hiddenSize: hidden,
    ...(names.router !== undefined && { router: names.router }),
    ...(options.float32Router && { float32Router: true }),
    tensors: [
      { input: 'gate', shape: [wide, hidden], ...own(alone[0]), stacked: { ...gateUp, first: 0 } },
      { input: 'up', shape: [wide, hidden], ...own(alone[1]), stacked: { ...gateUp, first: wide * hidden } },
      { input: 'down', shape: [hidden, wide], ...own(alone[2]), stacked: down }
    ],
    build(graph, x, tensor) {
      const gate = activate(graph, activation, graph.gemm(x, tensor('gate'), { transB: 1 }))
      const gated = graph.mul(gate, graph.gemm(x, tensor('up'), { transB: 1 }))
      return graph.gemm(gated, tensor('down'), { transB: 1 })
    }
  }
}

/** Experts down(act(up(n))) without biases, of `GatedExperts`. Source: transformers modeling_nemotron_h. */
export function plainExperts(options: Omit<GatedExperts, 'names'> & { readonly names: PlainNames }): ExpertsSpec {
  const { count, perToken, hiddenSize: hidden, intermediateSize: wide, activation, names } = options
  const tensor = (input: 'up' | 'down', shape: readonly [number, number]): ExpertTensor => ({
    input,
    shape,
    alone: (expert) => `${names.module}.${expert}.${input}_proj.weight`,
    stacked: { name: `${names.module}.${input}_proj`, shape: [count, ...shape], first: 0 }
  })
  return {
    count,
    perToken,
    hiddenSize: hidden,
    router: names.router,
    tensors: [tensor('up', [wide, hidden]), tensor('down', [hidden, wide])],
    build(graph, x, tensorOf) {
      const raised = activate(graph, activation, graph.gemm(x, tensorOf('up'), { transB: 1 }))
      return graph.gemm(raised, tensorOf('down'), { transB: 1 })
    }
  }
}

/** Names of the modules of router and experts. */
interface PlainNames {
  readonly router: string
  readonly module: string
}

/** How many experts there are, and how many of them a token is routed to. */
interface Routing {
  readonly count: number
  readonly perToken: number
}

/** How the scores of experts become routing weights. */
export interface ScoredRouting extends Routing {
  /** Whether the weights of a token's experts are divided by their sum. */
  readonly normed: boolean
  /** [count], added to the scores where experts are chosen, and not to their weights. */
  readonly bias?: Value | undefined
  /** [tokens, count], what experts are chosen by, the bias added, in the place of the scores. */
  readonly chosenBy?: Value | undefined
  /** The experts of a token are chosen among those of some groups. */
  readonly groups?: ExpertGroups | undefined
  /** Added to the sum that weights are divided by; the least that this may be. */
  readonly epsilon?: number
  readonly least?: number
  /** Factor of the weights. */
  readonly scale?: number
}

/**
 * Routing weights [tokens, count]: the scores of each token's experts, those with the largest, and 0 for the others. Of equal
 * scores the first expert's counts; torch leaves that open.
 *
 * @param scores - [tokens, count]
 */
export function routedScores(graph: GraphBuilder, scores: Value, routing: ScoredRouting): Value {
  const { normed, bias, chosenBy = scores, groups, epsilon = 0, least = 0, scale = 1 } = routing
  const biased = bias === undefined ? chosenBy : graph.add(chosenBy, bias)
  const open = groups === undefined ? biased : withinGroups(graph, biased, groups, routing.count)
  const chosen = graph.mul(scores, largest(graph, open, routing))
  return graph.scaled(normed ? graph.div(chosen, divisor(graph, chosen, epsilon, least)) : chosen, scale)
}

function divisor(graph: GraphBuilder, chosen: Value, epsilon: number, least: number): Value {
  const sum = graph.sum(chosen, [-1])
  const more = epsilon === 0 ? sum : graph.add(sum, graph.scalar(epsilon))
  return least === 0 ? more : graph.node('Clip', [more, graph.scalar(least), graph.scalar(FARTHEST)])
}

/** Routing weights [tokens, count] of logits: softmax over the largest of each token, 0 for the others. */
export function selectedSoftmax(graph: GraphBuilder, logits: Value, routing: Routing): Value {
  const chosen = largest(graph, logits, routing)
  const others = graph.mul(graph.sub(chosen, graph.scalar(1)), graph.scalar(FARTHEST))
  return graph.softmax(graph.add(logits, others))
}

/** Routing weights [tokens, count] of logits: the sigmoids of the largest of each token, 0 for the others. */
export const selectedSigmoid = (graph: GraphBuilder, logits: Value, routing: Routing): Value =>
  // Of logits, as sigmoids of large ones are all 1.
  routedScores(graph, graph.sigmoid(logits), { ...routing, chosenBy: logits, normed: false })

/** @throws {AppError} BAD_INPUT where a token would be routed to more experts than there are */
export function checkRouting(config: ConfigReader, perToken: number, count: number): void {
  if (count > MAX_EXPERTS)
    throw badInput(`${config.where}: ${count} experts in a block, expected at most ${MAX_EXPERTS}`)
  if (perToken > count) throw config.complaint('num_experts_per_tok', `at most ${count}, the number of experts`)
}

/**
 * Last names of linears that PEFT takes for those of experts, wherever they stand: in types that its conversion for qwen2_moe
 * serves it puts the adapter there.
 *
 * Source: peft, utils/transformers_weight_conversion.py.
 */
export const NAMED_AS_EXPERTS: ReadonlySet<string> = new Set(['gate_proj', 'up_proj', 'down_proj'])
