import { badInput } from '../../shared/errors'
import type { GraphBuilder, Value } from '../graph/graphBuilder'
import { type ActivationName, activate } from './activations'
import type { ConfigReader } from './configReader'

/** A damaged config must not ask for memory before a tensor contradicts it. */
const MAX_EXPERTS = 4096

/** A tensor of every expert of a block. Names are relative to the block. */
export interface ExpertTensor {
  /** Name of the graph's input. */
  readonly input: string
  /** One expert's, as the checkpoint holds it: [rows, columns], or [values] of a bias. */
  readonly shape: readonly number[]
  /** The name that it has for one expert, in checkpoints that hold each expert by itself. */
  readonly alone?: (expert: number) => string
  /** The tensor of all experts, in checkpoints that hold them together: its shape, and which element of an expert's part is the first. */
  readonly stacked: { readonly name: string; readonly shape: readonly number[]; readonly first: number }
}

/**
 * The experts of a block, which stand behind everything else in it: the block's output is what `buildBlock` returns and
 *
 *     Σₑ wₑ · expertₑ(n)
 *
 * with n [tokens, hidden] and the routing weights w [tokens, count], 0 where a token is not routed to an expert.
 */
export interface ExpertsSpec {
  readonly count: number
  /** Experts that a token is routed to. */
  readonly perToken: number
  readonly hiddenSize: number
  /** Name of the router's module. */
  readonly router: string
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
  /** Names of the modules of router and experts, and of gate, up and down of one expert. */
  readonly names: {
    readonly router: string
    readonly module: string
    readonly alone: readonly [gate: string, up: string, down: string]
  }
}

/** Experts down(act(gate(n)) · up(n)) without biases. Source: transformers modeling_qwen3_moe, modeling_mixtral. */
export function gatedExperts(options: GatedExperts): ExpertsSpec {
  const { count, perToken, hiddenSize: hidden, intermediateSize: wide, activation, names } = options
  const { module } = names
  const alone = (name: string) => (expert: number) => `${module}.${expert}.${name}.weight`
  const gateUp = { name: `${module}.gate_up_proj`, shape: [count, 2 * wide, hidden] }
  const down = { name: `${module}.down_proj`, shape: [count, hidden, wide], first: 0 }
  const [gateName, upName, downName] = names.alone
  return {
    count,
    perToken,
    hiddenSize: hidden,
    router: names.router,
    tensors: [
      { input: 'gate', shape: [wide, hidden], alone: alone(gateName), stacked: { ...gateUp, first: 0 } },
      { input: 'up', shape: [wide, hidden], alone: alone(upName), stacked: { ...gateUp, first: wide * hidden } },
      { input: 'down', shape: [hidden, wide], alone: alone(downName), stacked: down }
    ],
    build(graph, x, tensor) {
      const gate = activate(graph, activation, graph.gemm(x, tensor('gate'), { transB: 1 }))
      const gated = graph.mul(gate, graph.gemm(x, tensor('up'), { transB: 1 }))
      return graph.gemm(gated, tensor('down'), { transB: 1 })
    }
  }
}

/** How many experts there are, and how many of them a token is routed to. */
type Routing = Pick<ExpertsSpec, 'perToken' | 'count'>

/**
 * Routing weights [tokens, count]: the probabilities softmax(n Rᵀ) of the `perToken` most probable experts, 0 for the others;
 * normed, they add up to 1 for each token. Of equal probabilities the first expert's counts; torch leaves that open.
 *
 * @param router - R [count, hidden]
 */
export function topKRouting(
  graph: GraphBuilder,
  n: Value,
  router: Value,
  { normed, ...routing }: Routing & { readonly normed: boolean }
): Value {
  const probabilities = graph.softmax(graph.gemm(n, router, { transB: 1 }))
  const chosen = graph.mul(probabilities, largest(graph, probabilities, routing))
  return normed ? graph.div(chosen, graph.sum(chosen, [-1])) : chosen
}

/** Routing weights [tokens, count] of logits: softmax over the largest of each token, 0 for the others. */
export function selectedSoftmax(graph: GraphBuilder, logits: Value, routing: Routing): Value {
  const chosen = largest(graph, logits, routing)
  const others = graph.mul(graph.sub(chosen, graph.scalar(1)), graph.scalar(FARTHEST))
  return graph.softmax(graph.add(logits, others))
}

/** The largest float32: what is added to the logits of others is so far below that nothing is left of them. */
const FARTHEST = 3.4028234663852886e38

/**
 * 1 for the k largest values of each row [tokens, count], 0 for the others; of equal values the first counts. One after the
 * other, by maxima: not every device has an operator for the k largest. Which they are has no gradient.
 */
function largest(graph: GraphBuilder, x: Value, { perToken, count }: Routing): Value {
  const first = graph.floats(
    Float32Array.from({ length: count }, (_, place) => count - place),
    [1, count]
  )
  const max = (values: Value): Value => graph.node('ReduceMax', [values, graph.ints([1])], { keepdims: 1 })
  const atMax = (values: Value): Value =>
    graph.node('Where', [graph.node('Less', [values, max(values)]), graph.scalar(0), graph.scalar(1)])
  let left = x
  let chosen: Value | undefined
  for (let place = 0; place < perToken; place++) {
    const next = atMax(graph.mul(atMax(left), first))
    chosen = chosen === undefined ? next : graph.add(chosen, next)
    left = graph.sub(left, graph.mul(next, graph.scalar(FARTHEST)))
  }
  return graph.detach(chosen ?? graph.mul(x, graph.scalar(0)))
}

/** @throws {AppError} BAD_INPUT where a token would be routed to more experts than there are */
export function checkRouting(config: ConfigReader, perToken: number, count: number): void {
  if (count > MAX_EXPERTS)
    throw badInput(`${config.where}: ${count} experts in a block, expected at most ${MAX_EXPERTS}`)
  if (perToken > count) throw config.complaint('num_experts_per_tok', `at most ${count}, the number of experts`)
}

/** PEFT takes the names of an MLP's linears for those of experts, wherever they stand, and puts the adapter there. */
export function linearsNamedAsExperts(
  { blockPath }: { blockPath(index: number): string },
  blocks: Iterable<number>
): ReadonlySet<string> {
  const names = ['gate_proj', 'up_proj', 'down_proj']
  return new Set([...blocks].flatMap((index) => names.map((name) => `${blockPath(index)}.mlp.${name}`)))
}
