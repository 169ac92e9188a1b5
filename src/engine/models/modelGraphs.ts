import { addGradients } from '../graph/gradient'
import type { Value } from '../graph/graphBuilder'
import { type ModelArchitecture, stateSize } from './architecture'
import { softcapped } from './attention'
import type { ExpertsSpec } from './experts'
import { type GramOutput, type GramSum, upperTriangle } from './gramTiles'
import { EXPERT_SUM, LayerBuilder, type LinearForm, type LinearSpec, type ParameterSpec } from './layerBuilder'

/** One block as a graph: `hidden` and the weights in, `next` and perhaps the Gram matrices out. */
export interface BlockGraph {
  readonly model: Uint8Array
  readonly linears: readonly LinearSpec[]
  readonly grams: readonly GramOutput[]
  /** Whether `real` is an input, [tokens, 1]: 1 for tokens and 0 for pads. */
  readonly readsReal: boolean
  /** What is computed apart: `next` is without it, or the graph takes it as an input. */
  readonly experts?: ExpertsSpec
  /** Present where the graph takes it. */
  readonly within?: ExpertsWithin
}

/** Graphs of a block that goes on with what its experts add; their inputs are those of the block's. */
interface ExpertsWithin {
  /** What experts are given: `expertInput` and `routing`. `expertSum` may be anything. */
  readonly routing: BlockGraph
  /** On the way back, `gradient.expertSum` = ∂L/∂ of what they add. Of `gradient.…` it takes `gradient` alone. */
  readonly gradient?: BlockGraph
}

/** Names of the outputs with what experts are given, and with their weights. */
export const EXPERT_INPUT = 'expertInput'
export const ROUTING = 'routing'

/** Name of the output with a linear's ‖W x‖². */
export const energyOutput = (linear: string): string => `energy.${linear}`

/**
 * Builds block `index` for rows of `context` tokens, whose tensors take no more than `tensorLimit` bytes each where what a
 * device has is less than what graphs are parted for.
 *
 * Inputs: `hidden` [tokens, state], each linear's `<name>.weight` and each parameter; `<name>.lora_A` and `.lora_B` of
 * adapted linears; with Gram matrices also `mask` [tokens, 1], 1 for tokens and 0 for padding. Outputs: `next`, and per distinct input X
 * the tiles that make up the upper triangle of (mask·X)ᵀ(mask·X), added to an input each where these are `added`, and of
 * every linear ‖W x‖² [tokens, 1]; with experts
 * `expertInput` [tokens, hidden] and `routing` [tokens, count], which a graph of its own gives where the block takes what they
 * add as `expertSum` [tokens, hidden].
 */
export function blockGraph(
  architecture: ModelArchitecture,
  index: number,
  context: number,
  grams?: GramSum,
  form?: LinearForm,
  tensorLimit?: number
): BlockGraph {
  const layer = new LayerBuilder(context, form, 'forward', tensorLimit)
  const { graph } = layer
  const shape = ['tokens', stateSize(architecture)]
  const next = architecture.buildBlock(layer, graph.input('hidden', shape), index)
  graph.output('next', next, shape)
  const within = layer.experts?.sum !== undefined
  if (!within) addExpertOutputs(layer)
  const tiles = grams === undefined ? [] : addGrams(layer, grams)
  if (grams !== undefined) addEnergies(layer)
  return {
    model: graph.build(),
    linears: layer.linears,
    grams: tiles,
    readsReal: layer.readsReal,
    ...expertsOf(layer),
    ...(within && { within: { routing: routingGraph(architecture, index, context, form, tensorLimit) } })
  }
}

/** What the experts in the midst of block `index` are given. */
function routingGraph(
  architecture: ModelArchitecture,
  index: number,
  context: number,
  form: LinearForm | undefined,
  tensorLimit: number | undefined
): BlockGraph {
  const layer = new LayerBuilder(context, form, 'forward', tensorLimit)
  architecture.buildBlock(layer, layer.graph.input('hidden', ['tokens', stateSize(architecture)]), index)
  addExpertOutputs(layer)
  return { model: layer.graph.build(), linears: layer.linears, grams: [], readsReal: layer.readsReal }
}

function addExpertOutputs({ graph, experts }: LayerBuilder): void {
  if (experts === undefined) return
  graph.output(EXPERT_INPUT, experts.input, ['tokens', experts.spec.hiddenSize])
  graph.output(ROUTING, experts.routing, ['tokens', experts.spec.count])
}

/**
 * The gradient of block `index` for rows of `context` tokens, the block being computed anew inside.
 *
 * Inputs: those of `blockGraph`, and `gradient` ∂L/∂next [tokens, state], zero at pads; with experts also `gradient.expertInput`
 * and `gradient.routing`, what passes back through them; `within` gives what that takes. Outputs: ∂L/∂ of `hidden`, and of
 * `<name>.lora_A` and `<name>.lora_B` of the adapted linears, each under its input's name behind `gradient.`.
 */
export function backwardGraph(
  architecture: ModelArchitecture,
  index: number,
  context: number,
  form: LinearForm,
  tensorLimit?: number
): BlockGraph {
  const layer = new LayerBuilder(context, form, 'gradients', tensorLimit)
  const { graph } = layer
  const gradients = blockGradients(architecture, index, layer, () => layer.adapters)
  for (const [value, gradient] of gradients) {
    graph.output(`gradient.${value}`, gradient, graph.givenShape(value) ?? [])
  }
  const within = withinBackwards(architecture, index, context, layer, form)
  const { linears, readsReal } = layer
  return { model: graph.build(), linears, grams: [], readsReal, ...expertsOf(layer), ...within }
}

/** The graphs that come before a block's gradient, where it goes on with what its experts add. */
function withinBackwards(
  architecture: ModelArchitecture,
  index: number,
  context: number,
  { experts, tensorLimit }: LayerBuilder,
  form?: LinearForm
): Pick<BlockGraph, 'within'> {
  if (experts?.sum === undefined) return {}
  const layer = new LayerBuilder(context, form, 'gradients', tensorLimit)
  const { graph, linears } = layer
  const shape = ['tokens', stateSize(architecture)]
  const next = architecture.buildBlock(layer, graph.input('hidden', shape), index)
  const sum = layer.experts?.sum as Value
  const gradient = addGradients(graph, new Map([[next, graph.input('gradient', shape)]]), [sum]).get(sum) as Value
  graph.output(`gradient.${EXPERT_SUM}`, gradient, graph.givenShape(sum) ?? [])
  const ofSum = { model: graph.build(), linears, grams: [], readsReal: layer.readsReal }
  return { within: { routing: routingGraph(architecture, index, context, form, tensorLimit), gradient: ofSum } }
}

/**
 * The gradient of block `index` in full precision, and what it has at the outputs of the linears.
 *
 * Inputs: those of `blockGraph`, and `gradient` ∂L/∂next [tokens, hidden], zero at pads. Outputs: `gradient.hidden`, and per
 * linear, in their order, the tiles of the upper triangle of Σ g gᵀ, g = ∂L/∂(Wx + b) of each token.
 */
export function curvatureGraph(
  architecture: ModelArchitecture,
  index: number,
  context: number,
  tensorLimit?: number
): BlockGraph {
  const layer = new LayerBuilder(context, {}, 'gradients', tensorLimit)
  const { graph, linears } = layer
  const [[hidden, ofHidden], ...ofOutputs] = [
    ...blockGradients(architecture, index, layer, () => layer.outputs.map(({ value }) => value))
  ] as [[Value, Value], ...[Value, Value][]]
  graph.output(`gradient.${hidden}`, ofHidden, graph.givenShape(hidden) ?? [])
  const grams = ofOutputs.flatMap(([, gradient], input) =>
    upperTriangle(graph, gradient, { input, features: (linears[input] as LinearSpec).outFeatures, tensorLimit })
  )
  const within = withinBackwards(architecture, index, context, layer)
  return { model: graph.build(), linears, grams, readsReal: layer.readsReal, ...expertsOf(layer), ...within }
}

/**
 * Builds a block and adds its gradients: of `hidden`, and then of what is wanted beside.
 *
 * @param wanted - asked once the block is built
 */
function blockGradients(
  architecture: ModelArchitecture,
  index: number,
  layer: LayerBuilder,
  wanted: () => readonly Value[]
): ReadonlyMap<Value, Value> {
  const { graph } = layer
  const shape = ['tokens', stateSize(architecture)]
  const hidden = graph.input('hidden', shape)
  const next = architecture.buildBlock(layer, hidden, index)
  const seeds = new Map([[next, graph.input('gradient', shape)]])
  const { experts } = layer
  if (experts !== undefined) {
    seeds.set(experts.input, graph.input(`gradient.${EXPERT_INPUT}`, ['tokens', experts.spec.hiddenSize]))
    seeds.set(experts.routing, graph.input(`gradient.${ROUTING}`, ['tokens', experts.spec.count]))
  }
  return addGradients(graph, seeds, [hidden, ...wanted()])
}

const expertsOf = ({ experts }: LayerBuilder): Pick<BlockGraph, 'experts'> =>
  experts === undefined ? {} : { experts: experts.spec }

/** ‖W x‖² of every linear and token: of what is computed anyway, as H is of the inputs. */
function addEnergies({ graph, linears, outputs }: LayerBuilder): void {
  for (const [i, { value, bias }] of outputs.entries()) {
    const Wx = bias === undefined ? value : graph.sub(value, bias)
    const energy = graph.node('ReduceSumSquare', [Wx, graph.ints([1])], { keepdims: 1 })
    graph.output(energyOutput((linears[i] as LinearSpec).name), energy, ['tokens', 1])
  }
}

function addGrams({ graph, inputs, tensorLimit }: LayerBuilder, sum: GramSum): GramOutput[] {
  const mask = graph.input('mask', ['tokens', 1])
  return inputs.flatMap(({ value, features }, input) =>
    upperTriangle(graph, graph.mul(value, mask), { input, features, sum, tensorLimit })
  )
}

/** A graph with one input and one output, and the parameters that it takes beside them. */
export interface PlainGraph {
  readonly model: Uint8Array
  readonly output: string
  readonly parameters: readonly ParameterSpec[]
  /** Whether `real` is an input, [tokens, 1]: 1 for tokens and 0 for pads. */
  readonly readsReal: boolean
}

/**
 * Between token embedding and first block: `embedded` in, and `second` where there are two embeddings, `hidden` out; undefined
 * where nothing lies between.
 */
export function embeddingGraph(
  architecture: ModelArchitecture,
  context: number,
  form?: LinearForm
): PlainGraph | undefined {
  if (architecture.buildEmbedding === undefined) return undefined
  const layer = new LayerBuilder(context, form)
  const { graph } = layer
  const embedded = graph.input('embedded', ['tokens', architecture.embeddingSize])
  const { secondEmbedding } = architecture
  const second = secondEmbedding && graph.input('second', ['tokens', secondEmbedding.columns])
  graph.output('hidden', architecture.buildEmbedding(layer, embedded, second), ['tokens', stateSize(architecture)])
  return { model: graph.build(), output: 'hidden', parameters: layer.parameters, readsReal: layer.readsReal }
}

/** Between last block and head: `hidden` in, `normed` out. */
export function finalNormGraph(architecture: ModelArchitecture, form?: LinearForm): PlainGraph {
  const layer = new LayerBuilder(1, form)
  const { graph } = layer
  const hidden = graph.input('hidden', ['tokens', stateSize(architecture)])
  graph.output('normed', architecture.buildFinalNorm(layer, hidden), ['tokens', architecture.embeddingSize])
  return { model: graph.build(), output: 'normed', parameters: layer.parameters, readsReal: layer.readsReal }
}

/** The gradient of the final norm: `hidden` and `gradient` ∂L/∂normed in, `gradient.hidden` ∂L/∂hidden out. */
export function finalNormBackwardGraph(architecture: ModelArchitecture, form?: LinearForm): PlainGraph {
  const layer = new LayerBuilder(1, form)
  const { graph } = layer
  const shape = ['tokens', stateSize(architecture)]
  const hidden = graph.input('hidden', shape)
  const normed = architecture.buildFinalNorm(layer, hidden)
  const seed = graph.input('gradient', ['tokens', architecture.embeddingSize])
  const gradient = addGradients(graph, new Map([[normed, seed]]), [hidden]).get(hidden) as Value
  graph.output('gradient.hidden', gradient, shape)
  return { model: graph.build(), output: 'gradient.hidden', parameters: layer.parameters, readsReal: layer.readsReal }
}

/**
 * What one tile of the vocabulary adds to the figures of each position, for the full-precision states or for others that are
 * compared with them.
 *
 *     L = normed · headᵀ [tokens, tile],  max = maxⱼ Lⱼ,  sum = Σⱼ exp(Lⱼ − max),  target = L[targetIndex],
 *     best = the first j with Lⱼ = max
 *
 * Inputs: `normed` [tokens, embeddingSize], `head` [tile, embeddingSize], `targetIndex` [tokens, 1] int32, an index into
 * this tile (any valid index where the true target lies in another tile; the caller ignores those); `headBias` [tile] where
 * the head has a bias, which is added to L.
 *
 * Of full precision also `logits` L and `exponentials` exp(L − max), both [tokens, tile]. The others take those two as
 * `fullLogits` T and `fullExponentials` e, and give `cross` = Σⱼ eⱼ (Tⱼ − Lⱼ), what the tile adds to the divergence.
 */
export function vocabularyTileGraph(architecture: ModelArchitecture, subject: 'full' | 'compared'): Uint8Array {
  const layer = new LayerBuilder(1)
  const { graph } = layer
  const normed = graph.input('normed', ['tokens', architecture.embeddingSize])
  const head = graph.input('head', ['tile', architecture.embeddingSize])
  const target = graph.input('targetIndex', ['tokens', 1], 'int32')
  const bias = architecture.headBias === undefined ? {} : { bias: graph.input('headBias', ['tile']) }
  const raw = graph.gemm(normed, head, { transB: 1, ...bias })
  const { logitSoftcap } = architecture
  const logits = logitSoftcap === undefined ? raw : softcapped(graph, raw, logitSoftcap)
  const overTile = (operator: string, value: Value): Value =>
    graph.node(operator, [value, graph.ints([1])], { keepdims: 1 })
  const max = overTile('ReduceMax', logits)
  const exponentials = graph.node('Exp', [graph.sub(logits, max)])
  const best = graph.node('ArgMax', [logits], { axis: 1, keepdims: 1, select_last_index: 0 })
  graph.output('max', max, ['tokens', 1])
  graph.output('sum', overTile('ReduceSum', exponentials), ['tokens', 1])
  graph.output('target', graph.node('GatherElements', [logits, target], { axis: 1 }), ['tokens', 1])
  graph.output('best', best, ['tokens', 1], 'int64')
  if (subject === 'full') {
    graph.output('logits', logits, ['tokens', 'tile'])
    graph.output('exponentials', exponentials, ['tokens', 'tile'])
  } else {
    const fullLogits = graph.input('fullLogits', ['tokens', 'tile'])
    const weights = graph.input('fullExponentials', ['tokens', 'tile'])
    graph.output('cross', overTile('ReduceSum', graph.mul(weights, graph.sub(fullLogits, logits))), ['tokens', 1])
  }
  return graph.build()
}
