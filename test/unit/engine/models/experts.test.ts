import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { inspectPath } from '../../../../src/engine/ask/inspect'
import type { TensorData } from '../../../../src/engine/formats/safetensorsWriter'
import { GraphBuilder } from '../../../../src/engine/graph/graphBuilder'
import { GraphSession } from '../../../../src/engine/graph/session'
import { BlockRunner } from '../../../../src/engine/models/blockRunner'
import { selectedSigmoid } from '../../../../src/engine/models/experts'
import { readArchitecture } from '../../../../src/engine/models/registry'
import { configOf, copyCheckpoint, familyDirectory, tensorsOf, writeCheckpoint } from '../../../helpers/checkpoints'
import { exportedBase } from '../../../helpers/exportedBase'
import { removedAfterTests } from '../../../helpers/removedAfter'
import { computeModel } from '../../../helpers/wholeModel'

const rows = { ids: Int32Array.of(1, 5, 9, 33, 2, 60, 17, 4), mask: new Float32Array(8).fill(1), context: 4 }
const made = removedAfterTests()

/** How each family names its experts one by one: what of a name stands before and behind the number, and gate, up and down. */
const FAMILIES = [
  { name: 'qwen3_moe', module: 'mlp.experts', alone: ['gate_proj', 'up_proj', 'down_proj'] },
  { name: 'mixtral', module: 'block_sparse_moe.experts', alone: ['w1', 'w3', 'w2'] }
] as const
type Named = (typeof FAMILIES)[number]

/** The same tensors with all experts of a block in one tensor, as transformers 5 has them in memory. */
function stacked({ name, module, alone: [gate, up, down] }: Named): TensorData[] {
  const tensors = tensorsOf(familyDirectory(name))
  const ofExpert = (block: string, expert: number, part: string) =>
    tensors.find((tensor) => tensor.name === `${block}.${module}.${expert}.${part}.weight`)
  const blocks = [...new Set(tensors.flatMap(({ name }) => /^model\.layers\.\d+/.exec(name)?.[0] ?? []))]
  const joined = blocks.flatMap((block) => {
    const experts = Array.from({ length: 64 }, (_, i) => i).filter((i) => ofExpert(block, i, gate) !== undefined)
    const [first] = experts
    if (first === undefined) return []
    const parts = (...names: string[]) =>
      experts.flatMap((expert) => names.map((part) => ofExpert(block, expert, part) as TensorData))
    const [wide, hidden] = (ofExpert(block, first, gate) as TensorData).shape as [number, number]
    const joinedOf = (part: string, shape: number[], pieces: TensorData[]): TensorData => ({
      ...(pieces[0] as TensorData),
      name: `${block}.${module}.${part}`,
      shape,
      data: Buffer.concat(pieces.map(({ data }) => data as Uint8Array))
    })
    return [
      joinedOf('gate_up_proj', [experts.length, 2 * wide, hidden], parts(gate, up)),
      joinedOf('down_proj', [experts.length, hidden, wide], parts(down))
    ]
  })
  return [...tensors.filter((tensor) => !tensor.name.includes(`.${module}.`)), ...joined]
}

describe.each(FAMILIES)('experts of $name', (family) => {
  const model = familyDirectory(family.name)
  const together = made(writeCheckpoint(configOf(model), stacked(family)))

  it('compute the same where a checkpoint holds all of a block in one tensor', async () => {
    const [own, other] = [await computeModel(model, rows), await computeModel(together, rows)]
    expect(other.logits.data).toEqual(own.logits.data)
  })

  it('are written one by one, as transformers does, however they were stored', async () => {
    const bytes = async (directory: string) =>
      readFileSync(join(made(await exportedBase(directory)), 'model.safetensors'))
    const [own, other] = [await bytes(model), await bytes(together)]
    expect(other.equals(own)).toBe(true)
  })

  it('are named by inspect, with their router, as what stays in full precision', async () => {
    for (const directory of [model, together]) {
      const { tensors, warnings } = await inspectPath(directory)
      const names = tensors.filter(({ role }) => role === 'experts').map(({ name }) => name)
      expect(names.sort()).toEqual(
        tensors
          .map(({ name }) => name)
          .filter((name) => /experts|\.gate\./.test(name))
          .sort()
      )
      expect(warnings[0]).toMatch(
        /experts in a block, 2 for each token: experts and router \(mlp\.experts, mlp\.gate of each block\) stay in full precision, as transformers 5 with bitsandbytes leaves them, .*; transformers 4 quantizes experts and router too/
      )
    }
  })

  it('are refused where one is missing, or all are stored in both forms', async () => {
    const [, gone = ''] = tensorsOf(model).flatMap(({ name }) => (name.includes('.experts.3.') ? [name] : []))
    const without = made(copyCheckpoint(model, (tensor) => (tensor.name === gone ? undefined : tensor)))
    expect((await inspectPath(without)).problems.join()).toContain(`tensor ${gone} is missing`)
    const twice = made(writeCheckpoint(configOf(model), [...stacked(family), ...tensorsOf(model).filter(isExpert)]))
    expect((await inspectPath(twice)).problems.join()).toMatch(/holds the experts of model\.layers\.\d twice/)
  })
})

const isExpert = ({ name }: TensorData): boolean => name.includes('.experts.')

describe('a model with experts', () => {
  it('is read under the names that transformers 5 gives the modules of Mixtral', async () => {
    const model = familyDirectory('mixtral')
    const renamed = (tensor: TensorData) => ({ ...tensor, name: tensor.name.replace('.block_sparse_moe.', '.mlp.') })
    const own = await computeModel(model, rows)
    expect((await computeModel(made(copyCheckpoint(model, renamed)), rows)).logits.data).toEqual(own.logits.data)
  })

  it('is read under the names that transformers 5 gives the modules of Granite and ERNIE', async () => {
    const names = (name: string): string =>
      name
        .replace('.block_sparse_moe.input_linear.weight', '.block_sparse_moe.experts.gate_up_proj')
        .replace('.block_sparse_moe.output_linear.weight', '.block_sparse_moe.experts.down_proj')
        .replace('.router.layer.weight', '.router.weight')
        .replace('.mlp.moe_statics.', '.mlp.gate.moe_statics.')
    for (const family of ['granitemoe', 'ernie4_5_moe']) {
      const model = familyDirectory(family)
      const renamed = made(copyCheckpoint(model, (tensor) => ({ ...tensor, name: names(tensor.name) })))
      expect((await computeModel(renamed, rows)).logits.data).toEqual((await computeModel(model, rows)).logits.data)
    }
  })

  it('of gpt-oss keeps experts and router in full precision with every release of transformers', async () => {
    const { tensors, warnings } = await inspectPath(familyDirectory('gpt_oss'))
    const names = tensors.filter(({ role }) => role === 'experts').map(({ name }) => name)
    expect(names.sort()).toEqual(
      tensors
        .map(({ name }) => name)
        .filter((name) => name.includes('.mlp.'))
        .sort()
    )
    expect(names).toHaveLength(2 * 6)
    expect(warnings[0]).toContain('(mlp.experts, mlp.router of each block)')
    expect(warnings[0]).not.toContain('transformers 4')
  })

  it('of Gemma 4 keeps experts in full precision, and its router is quantized as the linear that it is', async () => {
    const { tensors, warnings } = await inspectPath(familyDirectory('gemma4_text-experts'))
    const named = (wanted: string) => tensors.filter(({ role }) => role === wanted).map(({ name }) => name)
    expect(named('experts')).toHaveLength(2 * 3)
    expect(named('experts').every((name) => /\.experts\.(gate_up|down)_proj$/.test(name))).toBe(true)
    expect(named('quantized').filter((name) => name.endsWith('.router.proj.weight'))).toHaveLength(3)
    expect(warnings[0]).toBe(
      '4 experts in a block, 2 for each token: experts (experts of each block) stay in full precision, as transformers 5 with ' +
        'bitsandbytes leaves them, and the linears, router.proj among them, are quantized and repaired; trainers with experts ' +
        'of their own may quantize these too: theirs is another base, whose perplexity was not measured'
    )
  })

  it('of LLaMA 4 keeps experts and router in full precision, and the MLP beside them is quantized', async () => {
    const { tensors, warnings } = await inspectPath(familyDirectory('llama4_text-experts'))
    const named = (wanted: string) => tensors.filter(({ role }) => role === wanted).map(({ name }) => name)
    const block = 'model.layers.1.feed_forward'
    expect(named('experts').sort()).toEqual(
      ['experts.down_proj', 'experts.gate_up_proj', 'router.weight'].map((name) => `${block}.${name}`)
    )
    expect(named('quantized').filter((name) => name.startsWith(`${block}.shared_expert.`))).toHaveLength(3)
    expect(warnings[0]).toContain('(feed_forward.experts, feed_forward.router of each block) stay in full precision')
    expect(warnings[0]).toMatch(
      /; transformers 4 makes this one with llm_int8_skip_modules=\["lm_head", "router"\], without which its model fails$/
    )
  })

  it('of LLaMA 4 is refused as a stored base, which transformers does not load; without experts it is written', async () => {
    const model = familyDirectory('llama4_text-experts')
    await expect(exportedBase(model)).rejects.toThrow(
      `${model}: transformers loads no stored base of LLaMA 4 with experts: it looks there for a linear of each expert`
    )
    made(await exportedBase(familyDirectory('llama4_text')))
  })

  it('is found by the largest logits, also where their sigmoids are all 1', async () => {
    const graph = new GraphBuilder()
    const logits = graph.input('logits', [2, 3])
    graph.output('weights', selectedSigmoid(graph, logits, { count: 3, perToken: 1 }), [2, 3])
    const session = await GraphSession.create(graph.build(), 'cpu')
    const { weights } = await session.run({ logits: { data: Float32Array.of(30, 40, 35, -1, 0, -2), shape: [2, 3] } })
    await session.release()
    expect([...(weights?.data ?? [])]).toEqual([0, 1, 0, 0, 0.5, 0])
  })

  it('has graphs that tell by what experts a token is computed, and how', () => {
    const known = configOf(familyDirectory('gemma4_text-experts'))
    const graphs = (changes: object) => {
      const runner = new BlockRunner(readArchitecture({ ...known, ...changes }, 'config.json'), 8, 'cpu')
      return runner.calibrationGraphs(0).map((graph) => Buffer.from(graph).toString('base64'))
    }
    const [block, routing, expert] = graphs({})
    expect(graphs({})).toEqual([block, routing, expert])
    const other = graphs({ top_k_experts: 1 })
    expect(other[1]).not.toBe(routing)
    expect(other[2]).toBe(expert)
    expect(graphs({ hidden_activation: 'silu' })[2]).not.toBe(expert)
  })

  it('is refused in MXFP4, which transformers does not quantize with bitsandbytes', async () => {
    const config = { ...configOf(familyDirectory('gpt_oss')), quantization_config: { quant_method: 'mxfp4' } }
    const stored = made(writeCheckpoint(config, tensorsOf(familyDirectory('gpt_oss'))))
    expect((await inspectPath(stored)).problems[0]).toContain(
      'transformers does not quantize such a checkpoint with bitsandbytes: load it with Mxfp4Config(dequantize=True) in bfloat16 and save it first'
    )
  })

  it('is refused where a token would be routed to more experts than there are', () => {
    for (const [type, key] of [
      ['qwen3_moe', 'num_experts'],
      ['mixtral', 'num_local_experts']
    ] as const) {
      const config = { ...configOf(familyDirectory(type)), [key]: 4, num_local_experts: 4, num_experts_per_tok: 5 }
      expect(() => readArchitecture(config, 'config.json')).toThrow(
        'config.json: num_experts_per_tok is 5, expected at most 4, the number of experts'
      )
    }
  })
})
