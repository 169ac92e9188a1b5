import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { inspectPath } from '../../src/engine/ask/inspect'
import { Checkpoint } from '../../src/engine/formats/checkpoint'
import type { TensorData } from '../../src/engine/formats/safetensorsWriter'
import { assertTensors } from '../../src/engine/models/modelLinears'
import { ModelParts } from '../../src/engine/models/modelParts'
import { ModelWeights } from '../../src/engine/models/modelWeights'
import { readArchitecture } from '../../src/engine/models/registry'
import { hasOtherHead } from '../../src/engine/models/tiedHead'
import { configOf, familyDirectory, tensorsOf, writeCheckpoint } from '../helpers/checkpoints'
import { removedAfterTests } from '../helpers/removedAfter'

type Used = 'embedding' | 'head' | 'none'
type Rules = Record<'tied' | 'untied', Record<string, [Used, Used]>>

/** What transformers does, checked against it by test/conformance/test_heads.py. */
const rules = JSON.parse(
  readFileSync(resolve(import.meta.dirname, '../fixtures/formats/heads.json'), 'utf8')
) as Record<'transformers5' | 'transformers4', Rules> &
  Record<'tiedByDefault' | 'tiedByDefaultIn4', Record<string, boolean>> & {
    /** Whose models tie nothing, whatever the config says. */
    readonly neverTied: readonly string[]
  }

const made = removedAfterTests()

const VALUES = { embedding: 0.5, head: -2 } as const

/** A checkpoint of a family whose embedding and head are stored as asked, each filled with its own value. */
function checkpointOf(family: string, tied: boolean | undefined, stored: string): string {
  const directory = familyDirectory(family)
  const { text_config: text, ...stated } = configOf(directory)
  // Where transformers 4 looks for it in a model around a text model.
  const inner = text === undefined ? {} : { text_config: { ...text, tie_word_embeddings: tied } }
  const config = { ...stated, ...inner, tie_word_embeddings: tied }
  const architecture = readArchitecture(config, 'config.json')
  const filled = (name: string, value: number): TensorData => {
    const shape = [architecture.vocabularySize, architecture.embeddingSize]
    const data = new Float32Array(architecture.vocabularySize * architecture.embeddingSize).fill(value)
    return { name, dtype: 'F32', shape, data: new Uint8Array(data.buffer) }
  }
  // In the files of a model around a text model they have other names than in the loaded module.
  const prefixes = Object.entries(architecture.storedPrefixes ?? {})
  const names = [architecture.embedding, architecture.head].flatMap((name) => {
    const others = prefixes.flatMap(([own, stored]) =>
      name.startsWith(own) ? stored.map((one) => name.replace(own, one)) : []
    )
    return [name, architecture.fileName?.(name) ?? name, ...others]
  })
  const others = tensorsOf(directory).filter(({ name }) => !names.includes(name))
  const own = [
    ...(stored === 'head' ? [] : [filled(architecture.embedding, VALUES.embedding)]),
    ...(stored === 'embedding' ? [] : [filled(architecture.head, stored === 'equal' ? VALUES.embedding : VALUES.head)])
  ]
  const written = writeCheckpoint(config, [...others, ...own])
  made(written)
  return written
}

/** Whose values the model's embedding and head are. */
async function used(directory: string): Promise<[Used, Used]> {
  const checkpoint = await Checkpoint.open(directory)
  try {
    const architecture = readArchitecture(checkpoint.config, 'config.json')
    const weights = new ModelWeights(checkpoint, architecture)
    const whose = async (name: string): Promise<Used> => {
      if (!checkpoint.has(weights.storedName(name))) return 'none'
      const rows = await weights.readVocabularyRows(name, 0, architecture.vocabularySize)
      const [whose] = (['embedding', 'head'] as const).filter((one) => rows.every((value) => value === VALUES[one]))
      return whose ?? 'none'
    }
    const found: [Used, Used] = [await whose(architecture.embedding), await whose(architecture.head)]
    const parts = new ModelParts(architecture)
    if (!found.includes('none')) {
      assertTensors(weights, parts)
      const other = architecture.tiedHead && found[0] !== found[1]
      expect(await hasOtherHead(weights, architecture)).toBe(other)
      expect(await hasOtherHead(weights, architecture, { limit: 1 })).toBe(other)
    } else expect(() => assertTensors(weights, parts)).toThrow(/tensor \S+ is missing/)
    return found
  } finally {
    await checkpoint.close()
  }
}

describe.each(Object.entries(rules.tiedByDefault))('embedding and head of %s', (family, byDefault) => {
  describe.each([true, false, undefined])('where tie_word_embeddings is %s', (tied) => {
    const ties = (stated: boolean) => (stated && !rules.neverTied.includes(family) ? 'tied' : 'untied')
    const rule = ties(tied ?? byDefault)
    it.each(Object.entries(rules.transformers5[rule]))(
      'are those of transformers 5: stored %s',
      async (stored, right) => {
        const directory = checkpointOf(family, tied, stored)
        expect(await used(directory)).toEqual(right)
        // Where release 4 takes other tensors, that is said.
        const warnings = (await inspectPath(directory)).warnings.filter((text) => !text.includes('experts'))
        const ruleIn4 = ties(tied ?? rules.tiedByDefaultIn4[family] ?? byDefault)
        const differs = JSON.stringify(rules.transformers4[ruleIn4][stored]) !== JSON.stringify(right)
        const ofHeads = warnings.filter((warning) => !/experts|llm_int8_skip_modules/.test(warning))
        expect(ofHeads).toEqual(differs ? [expect.stringContaining('transformers 4')] : [])
      }
    )
  })
})

it('also takes the name that transformers 5 has for the head of GPT-NeoX', async () => {
  const directory = familyDirectory('gpt_neox')
  const renamed = tensorsOf(directory).map((tensor) =>
    tensor.name === 'embed_out.weight' ? { ...tensor, name: 'lm_head.weight' } : tensor
  )
  const written = writeCheckpoint(configOf(directory), renamed)
  made(written)
  expect((await inspectPath(written)).model?.roles.map(({ role }) => role)).toContain('head')
})

it('finds a head of which only the last row differs', async () => {
  const directory = checkpointOf('gemma', true, 'equal')
  const tensors = tensorsOf(directory)
  const head = tensors.find(({ name }) => name === 'lm_head.weight') as TensorData
  new Float32Array(head.data.buffer, head.data.byteOffset, head.data.byteLength / 4)[head.data.byteLength / 4 - 1] = 9
  const written = writeCheckpoint(configOf(directory), tensors)
  made(written)
  expect((await inspectPath(written)).warnings).toEqual([expect.stringContaining('holds other values')])
})
