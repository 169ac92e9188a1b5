import { mkdtempSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { checkScaling } from '../../../../src/engine/ask/adapterChecks'
import { verifyAdapter } from '../../../../src/engine/ask/verify'
import { ProofFields } from '../../../../src/engine/formats/adapterProof'
import { adapterConfig, adapterTensorName, writeAdapterDirectory } from '../../../../src/engine/formats/peftAdapter'
import { readAdapterDirectory } from '../../../../src/engine/formats/readAdapter'
import { encodeSafetensors } from '../../../../src/engine/formats/safetensorsWriter'
import { familyDirectory } from '../../../helpers/checkpoints'

const llama = familyDirectory('llama') // 96 tokens, hidden size 48
const RANK = 2
const settings = { rank: RANK, alpha: 4, rslora: false, baseModel: null }
const QUERIES = ['model.layers.0.self_attn.q_proj', 'model.layers.1.self_attn.q_proj']

type Shapes = Readonly<Record<string, readonly number[]>>

const factors = (module: string, rows: number, rank = RANK): Shapes => ({
  [adapterTensorName(module, 'A')]: [rank, 48],
  [adapterTensorName(module, 'B')]: [rows, rank]
})

/** An adapter of the queries, with more tensors and other fields of its config, as a trainer saves it. */
async function saved(shapes: Shapes, targetModules: readonly string[], changes: Record<string, unknown> = {}) {
  const all = { ...factors(QUERIES[0] as string, 48), ...factors(QUERIES[1] as string, 48), ...shapes }
  const tensors = Object.entries(all).map(([name, shape]) => {
    const data = new Uint8Array(shape.reduce((product, size) => product * size, 4))
    return { name, shape, dtype: 'F32' as const, data }
  })
  const out = join(mkdtempSync(join(tmpdir(), 'quail-verify-')), 'adapter')
  await writeAdapterDirectory(out, {
    config: { ...adapterConfig({ ...settings, targetModules }), ...changes },
    tensors,
    extra: {}
  })
  return out
}

it.each<[string, Shapes, string[], Record<string, unknown>, string | undefined]>([
  ['a head', factors('lm_head', 96), ['q_proj', 'lm_head'], {}, undefined],
  [
    'a head of more tokens',
    factors('lm_head', 97),
    ['q_proj', 'lm_head'],
    {},
    'lm_head: lora_B is [97,2], expected [96,2]'
  ],
  ['no head although named', {}, ['q_proj', 'lm_head'], {}, 'lm_head is a target but has no factors'],
  ['a head that PEFT drops', factors('lm_head', 96), ['q_proj'], {}, 'lm_head has factors but is no target'],
  [
    'a whole head',
    { 'base_model.model.lm_head.weight': [96, 48] },
    ['q_proj'],
    { modules_to_save: ['lm_head'] },
    undefined
  ],
  [
    'a whole embedding of more tokens',
    { 'base_model.model.model.embed_tokens.weight': [97, 48] },
    ['q_proj'],
    { modules_to_save: ['embed_tokens'] },
    'model.embed_tokens.weight is [97,48], expected [96,48]'
  ],
  [
    'factors of an embedding of more tokens',
    {
      'base_model.model.model.embed_tokens.lora_embedding_A': [2, 97],
      'base_model.model.model.embed_tokens.lora_embedding_B': [48, 2]
    },
    ['q_proj', 'embed_tokens'],
    {},
    'model.embed_tokens.lora_embedding_A is [2,97], expected [2,96]'
  ],
  [
    'of two whole modules one',
    { 'base_model.model.lm_head.weight': [96, 48] },
    ['q_proj'],
    { modules_to_save: ['lm_head', 'embed_tokens'] },
    'modules_to_save names model.embed_tokens, but it was not saved'
  ],
  ['modules of another model', {}, ['q_proj'], { modules_to_save: ['classifier', 'score'] }, undefined]
])('judges what PEFT loads beside the linears of the blocks: %s', async (_, shapes, targets, changes, problem) => {
  const { fits, summary } = await verifyAdapter(await saved(shapes, targets, changes), llama)
  expect(fits).toBe(problem === undefined)
  if (problem !== undefined) expect(summary).toContain(problem)
})

it('says of an adapter of repeated blocks that these are not checked', async () => {
  const adapter = await saved({}, ['q_proj'], { layer_replication: [[0, 2]] })
  const { fits, complete, checks } = await verifyAdapter(adapter, llama)
  expect([fits, complete]).toEqual([true, false])
  expect(checks[0]).toMatchObject({ name: 'keys', ok: null, detail: expect.stringContaining('layer_replication') })
})

const FIRST = [QUERIES[0] as string]
const other = (path: string) => `${path} has factors but is no target`

it.each<[string, Record<string, unknown>, string | null | undefined]>([
  ['an expression that matches both', { target_modules: String.raw`.*\.(q|zz)_proj` }, undefined],
  ['an expression that matches one', { target_modules: String.raw`.*\.0\..*q_proj` }, other(QUERIES[1] as string)],
  ['an expression that is not evaluated', { target_modules: '(?P<name>.*q_proj)' }, null],
  ['both layers', { layers_to_transform: [0, 1], layers_pattern: 'layers' }, undefined],
  ['one layer', { layers_to_transform: 0 }, other(QUERIES[1] as string)],
  ['layers under another name', { layers_to_transform: [0, 1], layers_pattern: ['h'] }, other(QUERIES[0] as string)],
  ['layers by an expression', { layers_to_transform: [0, 1], layers_pattern: 'lay.*' }, null],
  ['whole paths, of which no layers are chosen', { target_modules: QUERIES, layers_to_transform: [7] }, undefined],
  ['an exclusion of another linear', { exclude_modules: ['lm_head'] }, undefined],
  ['an exclusion by name', { exclude_modules: FIRST }, other(QUERIES[0] as string)],
  ['an exclusion by expression', { exclude_modules: '.*layers.1.*' }, other(QUERIES[1] as string)],
  ['parameters', { target_parameters: ['mlp.experts.gate_up_proj'] }, null]
])('finds the linears that PEFT puts factors beside: %s', async (_, changes, problem) => {
  const { checks } = await verifyAdapter(await saved({}, ['q_proj'], changes), llama)
  expect(checks[0]).toMatchObject({ name: 'keys', ok: problem === undefined ? true : problem === null ? null : false })
  if (typeof problem === 'string') expect(checks[0]?.detail).toBe(problem)
})

describe('factors of parameters that are no linears', () => {
  const experts = 'model.layers.0.mlp.experts'
  /** Two ranks for each of four experts, as PEFT saves them. */
  const shapes = { ...factors(experts, 48, 8), ...factors(`${experts}.base_layer`, 64, 8) }
  const named = { target_parameters: ['mlp.experts.gate_up_proj', 'mlp.experts.down_proj'] }

  it('are told of and not checked where the config names the parameters', async () => {
    for (const changes of [named, { target_parameters: ['gate_up_proj'] }]) {
      const adapter = await saved(shapes, ['q_proj'], changes)
      const { fits, complete, summary, notes } = await verifyAdapter(adapter, llama)
      expect([fits, complete]).toEqual([true, false])
      expect(summary).toContain('2 linears, rank 2')
      expect(notes).toEqual([expect.stringContaining(`${experts}.base_layer.lora_A.weight`)])
    }
  })

  it('are those of no linear of the model where it names others, or none', async () => {
    const elsewhere = { target_parameters: ['block.experts.gate_up_proj'] }
    const { summary } = await verifyAdapter(await saved(shapes, ['q_proj'], elsewhere), llama)
    expect(summary).toContain(`${experts}.base_layer is no linear of this model`)
    await expect(verifyAdapter(await saved(shapes, ['q_proj']), llama)).rejects.toThrow(experts)
  })

  it('leave the ranks of linears checked', async () => {
    const adapter = await saved({ ...shapes, ...factors(QUERIES[1] as string, 48, 4) }, ['q_proj'], named)
    const { summary } = await verifyAdapter(adapter, llama)
    expect(summary).toContain(`${QUERIES[1]}: lora_A is [4,48], expected [2,48]`)
  })
})

it('takes a choice that is null for one that is not made, as PEFT does', async () => {
  const { settings } = await readAdapterDirectory(await saved({}, ['q_proj'], { use_rslora: null, use_dora: null }))
  expect(settings.rslora).toBe(false)
})

it.each<[string, Record<string, unknown>, string | undefined]>([
  ['as they were made', {}, undefined],
  [
    'a linear that has no rank of its own',
    { alpha_pattern: { 'layers.0.self_attn.q_proj': 8, 'layers.1.self_attn.q_proj': 8 } },
    'layers.0.self_attn.q_proj is scaled by 4'
  ],
  ['DoRA', { use_dora: true }, 'with DoRA']
])('compares the scaling of every linear where some have ranks of their own: %s', async (_, changes, problem) => {
  const patterns = {
    rank_pattern: { 'layers.1.self_attn.q_proj': 4 },
    alpha_pattern: { 'layers.1.self_attn.q_proj': 8 }
  }
  const adapter = await saved(factors(QUERIES[1] as string, 48, 4), ['q_proj'], { ...patterns, ...changes })
  const proof = ProofFields.parse({
    version: 1,
    variant: settings,
    layers: [{ name: QUERIES[0] }, { name: QUERIES[1], rank: 4 }],
    fingerprint: { algorithm: '', quantizer: 'int8', codes: '', absmax: '', linears: [] }
  })
  const { ok, detail } = checkScaling(await readAdapterDirectory(adapter), proof)
  expect(ok).toBe(problem === undefined)
  if (problem !== undefined) expect(detail).toContain(problem)
})

it.each<[string, Record<string, unknown>, string | null | undefined]>([
  ['patterns of no linear of the adapter', { rank_pattern: { k_proj: 3 }, alpha_pattern: { proj: 3 } }, undefined],
  ['an expression of other linears', { alpha_pattern: { 'layers\\.\\d\\.mlp\\..*': 3 } }, undefined],
  ['a name', { alpha_pattern: { 'layers.1.self_attn.q_proj': 3 } }, 'layers.1.self_attn.q_proj is scaled by 1.5'],
  ['an expression', { alpha_pattern: { 'layers\\.\\d\\..*': 3 } }, 'layers.0.self_attn.q_proj is scaled by 1.5'],
  ['an expression that is not evaluated', { alpha_pattern: { '(?P<name>q_proj)': 3 } }, null]
])('compares the scaling of every linear where patterns say of some: %s', async (_, changes, problem) => {
  const proof = ProofFields.parse({
    version: 1,
    variant: settings,
    layers: QUERIES.map((name) => ({ name })),
    fingerprint: { algorithm: '', quantizer: 'int8', codes: '', absmax: '', linears: [] }
  })
  const { ok, detail } = checkScaling(await readAdapterDirectory(await saved({}, ['q_proj'], changes)), proof)
  expect(ok).toBe(problem === undefined ? true : problem === null ? null : false)
  if (typeof problem === 'string') expect(detail).toContain(problem)
})

it('says of another scaling than that of the adapter it was trained from what a combined one has', async () => {
  const proof = ProofFields.parse({
    version: 1,
    variant: { ...settings, alpha: 9 },
    layers: QUERIES.map((name) => ({ name })),
    fingerprint: { algorithm: '', quantizer: 'int8', codes: '', absmax: '', linears: [] }
  })
  const read = await readAdapterDirectory(await saved({}, ['q_proj']))
  expect(checkScaling(read, proof).detail).toMatch(/, the factors were made for lora_alpha 9, r 2$/)
  const { ok, detail } = checkScaling(read, proof, { trained: true })
  expect(ok).toBe(false)
  expect(detail).toMatch(/the adapter that it was trained from was made for lora_alpha 9, r 2: .*add_weighted_adapter/)
})

it('reads no values of factors that do not fit: a header may promise more than memory holds', async () => {
  const adapter = await saved({}, ['q_proj'])
  const file = join(adapter, 'adapter_model.safetensors')
  // A sparse file: 32 GiB of zeros take no room on the disk.
  const [name, columns] = [adapterTensorName(QUERIES[0] as string, 'A'), 2 ** 32]
  const other = adapterTensorName(QUERIES[0] as string, 'B')
  const end = 8 * columns
  const text = JSON.stringify({
    [name]: { dtype: 'F32', shape: [RANK, columns], data_offsets: [0, end] },
    [other]: { dtype: 'F32', shape: [48, RANK], data_offsets: [end, end + 384] }
  })
  const header = Buffer.from(text.padEnd(Math.ceil(text.length / 8) * 8))
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(header.length))
  writeFileSync(file, Buffer.concat([length, header]))
  truncateSync(file, 8 + header.length + end + 384)
  const { fits, summary, checks } = await verifyAdapter(adapter, llama)
  expect(fits).toBe(false)
  expect(summary).toContain(`lora_A is [2,${columns}], expected [2,48]`)
  expect(checks.find((check) => check.name === 'finite')).toMatchObject({ ok: null })
})

it('finds a value that is not finite among those of the file', async () => {
  const adapter = await saved(factors(QUERIES[1] as string, 48), ['q_proj'])
  const read = await readAdapterDirectory(adapter)
  const tensors = [...read.tensors].map(([name, { shape }]) => {
    const data = new Uint8Array(4 * shape[0] * shape[1])
    if (name.endsWith('layers.1.self_attn.q_proj.lora_B.weight')) new Float32Array(data.buffer)[95] = Number.NaN
    return { name, shape, dtype: 'F32' as const, data }
  })
  const { header, chunks } = encodeSafetensors(tensors)
  writeFileSync(join(adapter, 'adapter_model.safetensors'), Buffer.concat([header, ...chunks]))
  expect((await verifyAdapter(adapter, llama)).summary).toContain('q_proj.lora_B.weight holds NaN at 95')
})
