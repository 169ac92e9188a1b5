import { join } from 'node:path'
import type { FuzzTarget } from '../fuzzTarget'
import { pick } from '../random'
import { readWeights } from '../readWeights'
import { mutateSafetensors, splitSafetensors } from '../safetensorsParts'
import { fixture } from '../sources'

const FILE = 'model.safetensors'
const SOUND = [fixture('torch/tensors.safetensors'), fixture('formats/reference.safetensors')].map(splitSafetensors)

/** Weights: header, length field and data. */
export const safetensors: FuzzTarget = {
  name: 'safetensors',
  inputs: 4000,
  make: (random) => ({ [FILE]: mutateSafetensors(pick(random, SOUND), random) }),
  read: (directory) => readWeights(join(directory, FILE))
}
