import type { AdapterTensor } from '../formats/adapterFactors'
import type { ReadAdapter } from '../formats/readAdapter'

/*
 * Factors of parameters that are no linears, as of all experts of a block in one: `target_parameters`, from PEFT 0.17 on. PEFT
 * keeps them at the module that has the parameter, those of its second parameter at the `base_layer` of that module, and of
 * three-dimensional ones lora_A and lora_B have r ranks for each expert.
 *
 * Source: huggingface/peft 0.21, lora/layer.ParamWrapper and tuners_utils._inject_parameters.
 */

/** Whether a config names parameters to put factors at; as in Python, an empty list counts as none. */
const choosesParameters = ({ target_parameters: names }: ReadAdapter['config']): boolean => (names ?? []).length > 0

/**
 * The adapter with such factors among what its trainer saved beside those of linears.
 *
 * @param linears - paths that have factors of their own: linears of the blocks and the head
 */
export function besideLinears(adapter: ReadAdapter, linears: ReadonlySet<string>): ReadAdapter {
  if (!choosesParameters(adapter.config)) return adapter
  const isParameter = ({ module }: AdapterTensor): boolean => !linears.has(module) && hasParameter(adapter, module)
  const all = [...adapter.tensors]
  const moved = all.flatMap(([name, tensor]) => (isParameter(tensor) ? [{ name, shape: tensor.shape }] : []))
  const others = [...adapter.others, ...moved].sort((a, b) => (a.name < b.name ? -1 : 1))
  return { ...adapter, tensors: new Map(all.filter(([, tensor]) => !isParameter(tensor))), others }
}

/** Whether one of the parameters that the config names may be this module's: of a name without a dot it may be anyone's. */
function hasParameter({ config }: ReadAdapter, module: string): boolean {
  const owner = module.replace(/(\.base_layer)+$/, '')
  return (config.target_parameters ?? []).some((name) => {
    const parent = name.slice(0, Math.max(0, name.lastIndexOf('.')))
    return parent === '' || owner === parent || owner.endsWith(`.${parent}`)
  })
}
