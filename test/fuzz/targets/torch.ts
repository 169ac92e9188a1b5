import { join } from 'node:path'
import type { FuzzTarget } from '../fuzzTarget'
import { mutateBytes } from '../mutateBytes'
import { pick, type Random } from '../random'
import { readWeights } from '../readWeights'
import { fixture } from '../sources'

const FILE = 'pytorch_model.bin'
const SOUND = ['tensors.bin', 'plain.bin', 'rezipped.bin'].map((name) => fixture('torch', name))

/** Signatures of the records of a zip archive; changes go near them, as most of the file is padding. */
const RECORDS = ['PK\x01\x02', 'PK\x03\x04', 'PK\x05\x06', 'PK\x06\x06', 'PK\x06\x07'].map((text) => Buffer.from(text))

/** Torch files: the zip archive around pickle and storages. */
export const torch: FuzzTarget = {
  name: 'torch',
  inputs: 2000,
  make: (random) => ({ [FILE]: mutateZip(pick(random, SOUND), random) }),
  read: (directory) => readWeights(join(directory, FILE))
}

function mutateZip(bytes: Buffer, random: Random): Buffer {
  if (random(2) === 0) return mutateBytes(bytes, random)
  const at = bytes.indexOf(pick(random, RECORDS), random(bytes.length))
  if (at < 0) return mutateBytes(bytes, random)
  const changed = mutateBytes(bytes.subarray(at, at + 64), random)
  return Buffer.concat([bytes.subarray(0, at), changed, bytes.subarray(at + 64)])
}
