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

/** down(act(gate(n)) · up(n)); fused, one linear for gate and up (`gate_up_proj`). */
export function gatedMlp(
  layer: LayerBuilder,
  n: Value,
  { hidden_size: hiddenSize, intermediate_size: intermediate, hidden_act }: MlpSettings,
  { fused = false, mlpBias: bias }: { readonly fused?: boolean; readonly mlpBias: boolean }
): Value {
  const names = fused ? ['gate_up_proj'] : ['gate_proj', 'up_proj']
  const size = { in: hiddenSize, widths: [intermediate, intermediate], bias }
  const [gate, up] = project(layer, n, 'mlp', names, size) as [Value, Value]
  const gated = layer.graph.mul(activate(layer.graph, hidden_act, gate), up)
  return layer.linear('mlp.down_proj', gated, { in: intermediate, out: hiddenSize, bias })
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
