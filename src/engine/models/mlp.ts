import type { Value } from '../graph/graphBuilder'
import { type ActivationName, activate } from './activations'
import type { LayerBuilder } from './layerBuilder'
import { project } from './selfAttention'

/** What an MLP reads from a config, under the names of the config classes. */
export interface MlpSettings {
  readonly hidden_size: number
  readonly intermediate_size: number
  readonly hidden_act: ActivationName
}

export interface GatedMlpOptions {
  readonly mlpBias: boolean
  /** Name of its module in a block; `mlp` when left out. */
  readonly module?: string
  /** Names of gate, up and down, or of one linear for gate and up, and down. */
  readonly names?: readonly [gate: string, up: string, down: string] | readonly [gateUp: string, down: string]
  /** What is made of the gate before its activation; left out, nothing. */
  readonly sieve?: (gate: Value) => Value
}

/** One linear for gate and up, as Phi-3 and GLM-4 call it. */
export const FUSED_MLP = ['gate_up_proj', 'down_proj'] as const

/** down(act(sieve(gate(n))) · up(n)). */
export function gatedMlp(
  layer: LayerBuilder,
  n: Value,
  { hidden_size: hiddenSize, intermediate_size: intermediate, hidden_act }: MlpSettings,
  options: GatedMlpOptions
): Value {
  const { module = 'mlp', names = ['gate_proj', 'up_proj', 'down_proj'], mlpBias: bias, sieve } = options
  const [inputs, down] = [names.slice(0, -1), names.at(-1)]
  const size = { in: hiddenSize, widths: [intermediate, intermediate], bias }
  const [gate, up] = project(layer, n, module, inputs, size) as [Value, Value]
  const gated = layer.graph.mul(activate(layer.graph, hidden_act, sieve?.(gate) ?? gate), up)
  return layer.linear(`${module}.${down}`, gated, { in: intermediate, out: hiddenSize, bias })
}

/** down(act(up(n))). */
export function plainMlp(
  layer: LayerBuilder,
  n: Value,
  { hidden_size: hiddenSize, intermediate_size: intermediate, hidden_act }: MlpSettings,
  { names: [up, down], bias }: { readonly names: readonly [up: string, down: string]; readonly bias: boolean }
): Value {
  const wide = layer.linear(up, n, { in: hiddenSize, out: intermediate, bias })
  return layer.linear(down, activate(layer.graph, hidden_act, wide), {
    in: intermediate,
    out: hiddenSize,
    bias
  })
}
