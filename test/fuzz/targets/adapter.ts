import { ADAPTER_CONFIG_FILE, ADAPTER_WEIGHTS_FILE, adapterTensorName } from '../../../src/engine/formats/peftAdapter'
import { readAdapterDirectory } from '../../../src/engine/formats/readAdapter'
import { adapterConfigText } from '../../helpers/bundles'
import type { FuzzTarget } from '../fuzzTarget'
import { mutateText } from '../mutateText'
import { joinSafetensors, mutateSafetensors } from '../safetensorsParts'

const RANK = 8
const CONFIG = adapterConfigText({ rank_pattern: { v_proj: RANK } })
const WEIGHTS = soundWeights(['model.layers.0.self_attn.q_proj', 'model.layers.0.mlp.up_proj'])

/** Adapters: adapter_config.json, and keys and shapes of the factors. */
export const adapter: FuzzTarget = {
  name: 'adapter',
  inputs: 1500,
  make: (random) => {
    const ofConfig = random(2) === 0
    return {
      [ADAPTER_CONFIG_FILE]: ofConfig ? mutateText(CONFIG, random) : Buffer.from(CONFIG),
      [ADAPTER_WEIGHTS_FILE]: ofConfig ? joinSafetensors(WEIGHTS) : mutateSafetensors(WEIGHTS, random)
    }
  },
  read: readAdapterDirectory
}

function soundWeights(modules: readonly string[]) {
  const entries = modules.flatMap((module, i) =>
    (['A', 'B'] as const).map((factor, j) => {
      const begin = 256 * (2 * i + j)
      const shape = factor === 'A' ? [RANK, 8] : [8, RANK]
      return [adapterTensorName(module, factor), { dtype: 'F32', shape, data_offsets: [begin, begin + 256] }] as const
    })
  )
  return { header: JSON.stringify(Object.fromEntries(entries)), data: Buffer.alloc(256 * entries.length) }
}
