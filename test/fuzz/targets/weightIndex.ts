import { Checkpoint } from '../../../src/engine/formats/checkpoint'
import type { FuzzTarget } from '../fuzzTarget'
import { mutateText } from '../mutateText'
import { fixture } from '../sources'

const INDEX = 'pytorch_model.bin.index.json'
const SHARDS = ['pytorch_model-00001-of-00002.bin', 'pytorch_model-00002-of-00002.bin']
const OTHERS = Object.fromEntries(['config.json', ...SHARDS].map((name) => [name, fixture('torch/sharded', name)]))
const SOUND = fixture('torch/sharded', INDEX).toString()

/** The index of a sharded checkpoint, which names files. */
export const weightIndex: FuzzTarget = {
  name: 'weightIndex',
  inputs: 1250,
  make: (random) => ({ ...OTHERS, [INDEX]: mutateText(SOUND, random) }),
  read: async (directory) => (await Checkpoint.open(directory)).close()
}
