import type { ExpertsNote } from '../../shared/expertsNote'
import type { Value } from '../graph/graphBuilder'
import { type ExpertsSpec, routedScores, type ScoredRouting } from './experts'
import type { LayerBuilder } from './layerBuilder'
import { type GatedMlpOptions, gatedMlp, type MlpSettings } from './mlp'

interface RoutedExperts extends Omit<ScoredRouting, 'count' | 'perToken' | 'chosenBy'> {
  /** What makes scores of the router's logits. */
  readonly scores: 'softmax' | 'sigmoid'
  /** Experts are chosen by the logits, with the bias, and not by the scores. */
  readonly byLogits?: boolean
}

/** Adds experts behind the block, weighed by `routedScores` of the scores of n Rᵀ, with the router R [count, hidden]. */
export const addRoutedExperts = (layer: LayerBuilder, n: Value, spec: ExpertsSpec, routing: RoutedExperts): void =>
  layer.addExperts(spec, n, routingWeights(layer, n, spec, routing))

/** The same sum in the midst of a block, which goes on with it. */
export const routedSum = (layer: LayerBuilder, n: Value, spec: ExpertsSpec, routing: RoutedExperts): Value =>
  layer.sumOfExperts(spec, n, routingWeights(layer, n, spec, routing))

/** Weights [tokens, count] of the experts of tokens n [tokens, hidden], which need not be what the experts are given. */
export function routingWeights(
  layer: LayerBuilder,
  n: Value,
  spec: Pick<ExpertsSpec, 'count' | 'perToken' | 'hiddenSize' | 'float32Router' | 'router'>,
  routing: RoutedExperts
): Value {
  const { graph } = layer
  const { count, perToken, hiddenSize, float32Router: float32 = false } = spec
  const router = layer.parameter(`${spec.router}.weight`, [count, hiddenSize], float32 ? { float32 } : {})
  const logits = graph.gemm(n, router, { transB: 1 })
  const scores = routing.scores === 'softmax' ? graph.softmax(logits) : graph.sigmoid(logits)
  const chosenBy = routing.byLogits ? logits : undefined
  return routedScores(graph, scores, { ...routing, chosenBy, count, perToken })
}

/** What is said of experts and their router, two modules of a block, of which the router may be a linear. */
export const expertsNote = (
  { count, perToken, router }: ExpertsSpec,
  module: string,
  options: Pick<
    ExpertsNote,
    'quantizedIn4' | 'quantizedRouter' | 'unreachedRouter' | 'quantizedRouterIn4' | 'routerFailsIn4'
  >
): ExpertsNote => ({
  count,
  perToken,
  unquantized: router === undefined ? [module] : [module, router],
  ...options
})

/**
 * An MLP for every token beside the experts: shared(n), or sigmoid(g(n)) · shared(n) where it has a gate of one output.
 *
 * @param gate - name of the gate's linear
 */
export function sharedExpert(
  layer: LayerBuilder,
  n: Value,
  settings: MlpSettings,
  { gate, ...options }: GatedMlpOptions & { readonly gate?: string }
): Value {
  const shared = gatedMlp(layer, n, settings, options)
  if (gate === undefined) return shared
  const share = layer.linear(gate, n, { in: settings.hidden_size, out: 1, bias: false })
  return layer.graph.mul(layer.graph.sigmoid(share), shared)
}
