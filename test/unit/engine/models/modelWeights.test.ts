import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { Checkpoint } from '../../../../src/engine/formats/checkpoint'
import { ModelWeights } from '../../../../src/engine/models/modelWeights'
import { readArchitecture } from '../../../../src/engine/models/registry'
import {
  computeBlocks,
  configOf,
  copyCheckpoint,
  familyDirectory,
  tensorsOf,
  writeCheckpoint
} from '../../../helpers/checkpoints'
import { removedAfterTests } from '../../../helpers/removedAfter'

const made = removedAfterTests()
const copy: typeof copyCheckpoint = (...args) => made(copyCheckpoint(...args))

async function withWeights<T>(directory: string, use: (weights: ModelWeights) => Promise<T>): Promise<T> {
  const checkpoint = await Checkpoint.open(directory)
  try {
    return await use(new ModelWeights(checkpoint, readArchitecture(checkpoint.config, 'config.json')))
  } finally {
    await checkpoint.close()
  }
}

const rows = { ids: Int32Array.of(1, 5, 9, 33, 2, 2, 60, 7), lengths: [8], context: 8 }

describe('the weights of a model', () => {
  it.each([
    ['llama-tied-bias', 'model.'],
    ['llama', 'model.'],
    ['gpt_neox', 'gpt_neox.']
  ])('are found without the base prefix: %s', async (family, prefix) => {
    const whole = familyDirectory(family)
    const bare = copy(whole, (tensor) => ({ ...tensor, name: tensor.name.replace(prefix, '') }))
    expect((await computeBlocks(bare, rows)).hidden).toEqual((await computeBlocks(whole, rows)).hidden)
  })

  it.each([
    ['llama', 'model.norm.weight', 'norm.weight'],
    ['gpt_neox', 'embed_out.weight', 'lm_head.weight']
  ])(
    'are refused where a tensor has two names, of which releases take one or the other: %s',
    async (family, name, other) => {
      const directory = familyDirectory(family)
      const config = JSON.parse(readFileSync(join(directory, 'config.json'), 'utf8'))
      const twice = tensorsOf(directory).flatMap((tensor) =>
        tensor.name === name ? [tensor, { ...tensor, name: other }] : [tensor]
      )
      await expect(
        withWeights(made(writeCheckpoint(config, twice)), async (weights) => weights.storedName(name))
      ).rejects.toMatchObject({
        code: 'BAD_FORMAT',
        message: expect.stringContaining(
          `holds the tensor ${name} twice, as ${name} and as ${other}; expected one of them`
        )
      })
    }
  )

  it('are the same in one file and in three shards', async () => {
    const whole = familyDirectory('llama')
    const sharded = copy(whole, (tensor) => tensor, 3)
    const [one, three] = [await computeBlocks(whole, rows), await computeBlocks(sharded, rows)]
    expect(three.hidden).toEqual(one.hidden)
    expect(three.moments).toEqual(one.moments)
  })

  it('are embedded one row for each token, equal tokens alike', async () => {
    await withWeights(familyDirectory('llama'), async (weights) => {
      const all = await weights.readVocabularyRows('model.embed_tokens.weight', 0, 96)
      const width = all.length / 96
      const hidden = weights.embed(rows.ids)
      for (const [i, id] of rows.ids.entries()) {
        expect(hidden.subarray(i * width, (i + 1) * width)).toEqual(all.subarray(id * width, (id + 1) * width))
      }
    })
  })

  it('name a missing tensor and the shape it should have', async () => {
    const name = 'model.layers.1.mlp.up_proj.weight'
    const directory = copy(familyDirectory('llama'), (tensor) => (tensor.name === name ? undefined : tensor))
    await expect(computeBlocks(directory, rows)).rejects.toMatchObject({
      code: 'BAD_FORMAT',
      message: expect.stringMatching(/tensor model\.layers\.1\.mlp\.up_proj\.weight is missing, .* \[88,48\]$/)
    })
  })

  it('name a tensor of another shape than config.json implies', async () => {
    const directory = copy(familyDirectory('llama'), (tensor) =>
      tensor.name === 'model.layers.0.mlp.up_proj.weight' ? { ...tensor, shape: [...tensor.shape].reverse() } : tensor
    )
    await expect(computeBlocks(directory, rows)).rejects.toMatchObject({
      code: 'BAD_FORMAT',
      message: expect.stringMatching(/up_proj\.weight has shape \[48,88\], config\.json asks for \[88,48\]$/)
    })
  })

  describe('that files cut, of OLMo Hybrid, whose convolution is one', () => {
    const whole = familyDirectory('olmo_hybrid')
    const [first, ...others] = ['q', 'k', 'v'].map((one) => `${one}_conv1d.weight`) as [string, string, string]
    /** The pieces in other ones of so many channels each: transformers saves them in thirds. */
    const cut = (channels: readonly number[], names = [first, ...others]) => {
      const tensors = tensorsOf(whole)
      const changed = tensors.flatMap((tensor) => {
        if (others.some((name) => tensor.name.endsWith(name))) return []
        if (!tensor.name.endsWith(first)) return [tensor]
        const prefix = tensor.name.slice(0, -first.length)
        const pieces = [first, ...others].map((name) => tensors.find((one) => one.name === `${prefix}${name}`)?.data)
        const data = Buffer.concat(pieces as Uint8Array[])
        const size = data.length / CHANNELS
        return channels.map((count, i) => {
          const begin = channels.slice(0, i).reduce((sum, each) => sum + each, 0) * size
          const name = `${prefix}${names[i]}`
          return { name, dtype: tensor.dtype, shape: [count, 1, 3], data: data.subarray(begin, begin + count * size) }
        })
      })
      return made(writeCheckpoint(JSON.parse(readFileSync(join(whole, 'config.json'), 'utf8')), changed))
    }
    const CHANNELS = 36

    it('are joined, wherever they are cut, and may be whole', async () => {
      const { hidden } = await computeBlocks(whole, rows)
      // As published models have them, at the widths of q, k and v; and as the model itself has it.
      expect((await computeBlocks(cut([8, 8, 20]), rows)).hidden).toEqual(hidden)
      expect((await computeBlocks(cut([36], ['conv1d.weight']), rows)).hidden).toEqual(hidden)
    })

    it.each([
      [[8, 8, 19], undefined, /q_conv1d.weight, .*have shapes \[8,1,3\], \[8,1,3\], \[19,1,3\], .* \[36,1,3\] in all$/],
      [[8, 28], undefined, /tensor model\.layers\.0\.linear_attn\.v_conv1d\.weight is missing$/],
      [[8, 8, 20, 0], [first, ...others, 'conv1d.weight'], /twice, as .*q_conv1d.weight and as .*\.conv1d.weight/]
    ])('are refused where the pieces do not make it up: %j', async (channels, names, message) => {
      await expect(computeBlocks(cut(channels, names), rows)).rejects.toMatchObject({
        code: 'BAD_FORMAT',
        message: expect.stringMatching(message)
      })
    })
  })

  it('may have the names of published files beside those that transformers writes', async () => {
    const model = familyDirectory('kimi_linear')
    // Published Kimi Linear has the MLP of the layer without experts as `mlp`; transformers 5 renames that, too.
    const dense = /^(model\.layers\.0)\.block_sparse_moe\./
    const tensors = tensorsOf(model)
    expect(tensors.some(({ name }) => dense.test(name))).toBe(true)
    const published = tensors.map((tensor) => ({ ...tensor, name: tensor.name.replace(dense, '$1.mlp.') }))
    const { hidden } = await computeBlocks(model, rows)
    const other = made(writeCheckpoint(configOf(model), published))
    expect((await computeBlocks(other, rows)).hidden).toEqual(hidden)
  })
})
