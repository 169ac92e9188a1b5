import { copyFileSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { SecondMoments } from '../../src/engine/calibration/secondMoments'
import { Checkpoint } from '../../src/engine/formats/checkpoint'
import { isDtype } from '../../src/engine/formats/dtypes'
import { encodeSafetensors, type TensorData } from '../../src/engine/formats/safetensorsWriter'
import { BlockRunner } from '../../src/engine/models/blockRunner'
import { readBlockWeights } from '../../src/engine/models/blockWeights'
import { ModelParts } from '../../src/engine/models/modelParts'
import { ModelWeights } from '../../src/engine/models/modelWeights'
import { readArchitecture } from '../../src/engine/models/registry'
import type { DeviceName } from '../../src/shared/recipe'
import { readGoldenTensors } from './goldenTensors'
import { sampleModel } from './paths'

/** One of the tiny random checkpoints of the golden files, the copy in the repository. */
export const familyDirectory = (name: string): string =>
  resolve(import.meta.dirname, '../fixtures/golden/families', name)

/** The tensors of a checkpoint with one weight file, read by the tests' own reader. */
export const tensorsOf = (directory: string): TensorData[] =>
  [...readGoldenTensors(join(directory, 'model.safetensors'))].map(([name, { dtype, shape, bytes }]) => {
    if (!isDtype(dtype)) throw new Error(`${directory}: ${name} is ${dtype}`)
    return { name, dtype, shape, data: bytes }
  })

const encoded = (tensors: readonly TensorData[]): Buffer => {
  const { header, chunks } = encodeSafetensors(tensors)
  return Buffer.concat([header, ...chunks])
}

/** Writes a checkpoint of these tensors in a directory of its own, in one file or in several shards. */
export function writeCheckpoint(
  config: Readonly<Record<string, unknown>>,
  tensors: readonly TensorData[],
  shards = 1
): string {
  const directory = mkdtempSync(join(tmpdir(), 'quail-model-'))
  writeFileSync(join(directory, 'config.json'), JSON.stringify(config))
  if (shards === 1) {
    writeFileSync(join(directory, 'model.safetensors'), encoded(tensors))
    return directory
  }
  const fileOf = (i: number) =>
    `model-${String((i % shards) + 1).padStart(5, '0')}-of-${String(shards).padStart(5, '0')}.safetensors`
  for (let shard = 0; shard < shards; shard++) {
    writeFileSync(join(directory, fileOf(shard)), encoded(tensors.filter((_, i) => i % shards === shard)))
  }
  const weight_map = Object.fromEntries(tensors.map(({ name }, i) => [name, fileOf(i)]))
  writeFileSync(join(directory, 'model.safetensors.index.json'), JSON.stringify({ metadata: {}, weight_map }))
  return directory
}

/** Puts the sample's tokenizer into a checkpoint. */
export const addTokenizer = (directory: string): void => {
  for (const file of readdirSync(sampleModel).filter((name) => name.startsWith('tokenizer'))) {
    copyFileSync(join(sampleModel, file), join(directory, file))
  }
}

export const configOf = (directory: string): Record<string, unknown> =>
  JSON.parse(readFileSync(join(directory, 'config.json'), 'utf8'))

/** A changed copy of a checkpoint. */
export const copyCheckpoint = (
  directory: string,
  change: (tensor: TensorData) => TensorData | undefined = (tensor) => tensor,
  shards = 1
): string =>
  writeCheckpoint(
    configOf(directory),
    tensorsOf(directory).flatMap((tensor) => change(tensor) ?? []),
    shards
  )

export interface ComputedBlocks {
  /** After the embedding and after each block, [tokens, hidden]. */
  readonly hidden: Float32Array[]
  /** By module path: H of the linear's input. */
  readonly moments: Map<string, Float64Array>
}

/** Every block of a model over rows of tokens, in full precision. */
export async function computeBlocks(
  directory: string,
  { ids, lengths, context }: { ids: Int32Array; lengths: ArrayLike<number>; context: number },
  device: DeviceName = 'cpu'
): Promise<ComputedBlocks> {
  const checkpoint = await Checkpoint.open(directory)
  const architecture = readArchitecture(checkpoint.config, 'config.json')
  const runner = new BlockRunner(architecture, context, device)
  const parts = new ModelParts(architecture)
  const mask = Float32Array.from(ids, (_, i) => (i % context < (lengths[Math.floor(i / context)] ?? 0) ? 1 : 0))
  const tokens = mask.reduce((sum, x) => sum + x, 0)
  const moments = new Map<string, Float64Array>()
  try {
    const weights = new ModelWeights(checkpoint, architecture)
    const hidden = [weights.embed(ids)]
    for (let block = 0; block < architecture.blocks; block++) {
      const own = await readBlockWeights(weights, parts, block)
      const { next, grams } = await runner.forwardWithGrams(block, hidden[block] as Float32Array, mask, own)
      const sums = new SecondMoments(parts.inputs(block))
      sums.add(grams, tokens)
      const H = parts.inputs(block).map((_, input) => sums.take(input))
      for (const { name, input } of parts.linears(block)) {
        moments.set(`${architecture.blockPath(block)}.${name}`, H[input] as Float64Array)
      }
      hidden.push(next)
    }
    return { hidden, moments }
  } finally {
    await runner.release()
    await checkpoint.close()
  }
}

/** A tiny random model with the sample's tokenizer: the rows of its embedding repeat until every token has one. */
export function smallModel(): string {
  const source = familyDirectory('llama')
  const vocabulary = configOf(sampleModel).vocab_size as number
  const directory = copyCheckpoint(source, (tensor) => {
    if (tensor.shape[0] !== configOf(source).vocab_size) return tensor
    const [, width = 0] = tensor.shape
    const data = new Uint8Array(4 * vocabulary * width).map((_, i) => tensor.data[i % tensor.data.length] as number)
    return { ...tensor, shape: [vocabulary, width], data }
  })
  writeFileSync(join(directory, 'config.json'), JSON.stringify({ ...configOf(source), vocab_size: vocabulary }))
  for (const file of ['tokenizer.json', 'tokenizer_config.json']) {
    copyFileSync(join(sampleModel, file), join(directory, file))
  }
  return directory
}
