import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { readPickle } from '../../../src/engine/formats/pickle'
import { TORCH_RULES } from '../../../src/engine/formats/torchObjects'
import type { FuzzTarget } from '../fuzzTarget'
import { mutateBytes } from '../mutateBytes'
import { pick, type Random } from '../random'
import { fixture } from '../sources'

const FILE = 'data.pkl'
const SOUND = pickleOf(fixture('torch/tensors.bin'))

/** The operations that the reader knows, and those that call, import, build or jump in other protocols. */
const OPERATIONS = Buffer.from(
  '(.0123)]}abcdeghijlpqrstuGIJKLMNRSTUVX\x80\x81\x82\x85\x86\x87\x88\x89\x8a\x8b\x8c\x93\x95',
  'latin1'
)

/** The pickle of a torch file: damaged bytes, and operations where others were. */
export const pickle: FuzzTarget = {
  name: 'pickle',
  inputs: 4000,
  make: (random) => ({ [FILE]: random(2) === 0 ? mutateBytes(SOUND, random) : mutateOperations(random) }),
  read: async (directory) => readPickle(await readFile(join(directory, FILE)), TORCH_RULES, FILE)
}

/** Some operations put in, or in the place of bytes. */
function mutateOperations(random: Random): Buffer {
  let bytes = SOUND
  for (let changes = 1 + random(4); changes > 0; changes--) {
    const at = random(bytes.length)
    const operations = Buffer.from(Array.from({ length: 1 + random(3) }, () => pick(random, [...OPERATIONS])))
    bytes = Buffer.concat([bytes.subarray(0, at), operations, bytes.subarray(at + random(3))])
  }
  return bytes
}

/** The first entry of a torch file: from its protocol to the descriptor behind it. */
function pickleOf(bytes: Buffer): Buffer {
  return bytes.subarray(bytes.indexOf(Buffer.from([0x80, 2])), bytes.indexOf('PK\x07\x08', 0, 'latin1'))
}
