import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { exportBase } from '../../../../src/engine/ask/exportBase'
import type { BaseExportRequest } from '../../../../src/shared/baseExport'
import { familyDirectory, tensorsOf, writeCheckpoint } from '../../../helpers/checkpoints'
import { readGoldenTensors } from '../../../helpers/goldenTensors'
import { sampleModel } from '../../../helpers/paths'

const llama = familyDirectory('llama')
const config = (directory: string) => JSON.parse(readFileSync(join(directory, 'config.json'), 'utf8'))

function requestFor(model: string, changes: Partial<BaseExportRequest> = {}): BaseExportRequest & { parent: string } {
  const parent = mkdtempSync(join(tmpdir(), 'quail-base-'))
  const quantizer = { format: 'nf4', blockSize: 64, doubleQuantization: true } as const
  const rest = { dtype: 'bfloat16', computeDtype: 'float32', maxShardBytes: 5e9 } as const
  return { model, out: join(parent, 'out'), quantizer, ...rest, ...changes, parent }
}

const run = (request: BaseExportRequest) => exportBase(request, new AbortController().signal)

it('divides into shards that keep a linear together and hold what one file holds', async () => {
  const one = requestFor(llama)
  const many = requestFor(llama, { maxShardBytes: 12_000 })
  const [whole, parts] = [await run(one), await run(many)]
  expect(parts.fingerprint).toEqual(whole.fingerprint)
  const index = JSON.parse(readFileSync(join(many.out, 'model.safetensors.index.json'), 'utf8'))
  const expected = readGoldenTensors(join(one.out, 'model.safetensors'))
  expect(Object.keys(index.weight_map).sort()).toEqual([...expected.keys()].sort())
  const shardsOf = new Map<string, Set<string>>()
  let largest = 0
  for (const { name } of parts.weightFiles) {
    const tensors = readGoldenTensors(join(many.out, name))
    largest = Math.max(
      largest,
      [...tensors.values()].reduce((sum, { bytes }) => sum + bytes.length, 0)
    )
    for (const [tensor, { bytes }] of tensors) {
      expect(index.weight_map[tensor]).toBe(name)
      expect(bytes.equals(expected.get(tensor)?.bytes as Buffer), tensor).toBe(true)
      const module = tensor.replace(/\.weight.*/, '')
      shardsOf.set(module, (shardsOf.get(module) ?? new Set()).add(name))
    }
  }
  expect(parts.weightFiles.length).toBeGreaterThan(4)
  expect(largest).toBeLessThanOrEqual(12_000)
  expect([...shardsOf.values()].every((files) => files.size === 1)).toBe(true)
})

it('writes torch_dtype where the checkpoint has it, and says when weights were rounded first', async () => {
  const { dtype: _, ...older } = config(llama)
  const model = writeCheckpoint({ ...older, torch_dtype: 'float32' }, tensorsOf(llama))
  const rounded = requestFor(model)
  const { notes } = await run(rounded)
  expect(config(rounded.out)).toMatchObject({ torch_dtype: 'bfloat16' })
  expect(config(rounded.out)).not.toHaveProperty('dtype')
  expect(notes).toEqual([expect.stringContaining('use --dtype float32')])
  // Every value of bfloat16 is one of float32: nothing is rounded.
  const wider = { ...requestFor(sampleModel), dtype: 'float32' as const }
  expect((await run(wider)).notes).toEqual([])
  expect((await run(requestFor(model, { dtype: 'float32' }))).notes).toEqual([])
})

it('gives checkpoints of the bare model the names of the whole one, and leaves unused tensors out', async () => {
  const bare = tensorsOf(llama).map((tensor) => ({ ...tensor, name: tensor.name.replace(/^model\./, '') }))
  const unused = {
    name: 'layers.0.self_attn.rotary_emb.inv_freq',
    dtype: 'F32',
    shape: [6],
    data: new Uint8Array(24)
  } as const
  const [ours, expected] = [requestFor(writeCheckpoint(config(llama), [...bare, unused])), requestFor(llama)]
  await run(ours)
  await run(expected)
  const read = ({ out }: BaseExportRequest) => readFileSync(join(out, 'model.safetensors'))
  expect(read(ours).equals(read(expected))).toBe(true)
})

it('copies everything that says how texts become tokens, and nothing else', async () => {
  const model = writeCheckpoint(config(llama), tensorsOf(llama))
  const beside = ['chat_template.jinja', 'processor_config.json', 'special_tokens_map.json', 'tekken.json']
  for (const name of beside) writeFileSync(join(model, name), `${name} {}`)
  mkdirSync(join(model, 'additional_chat_templates'))
  writeFileSync(join(model, 'additional_chat_templates', 'tool_use.jinja'), 'tools')
  writeFileSync(join(model, 'optimizer.pt'), 'not of a base')
  const request = requestFor(model)
  const { otherFiles } = await run(request)
  const copied = otherFiles.filter((name) => name !== 'config.json')
  expect([...copied].sort()).toEqual(expect.arrayContaining(['additional_chat_templates/tool_use.jinja', ...beside]))
  for (const name of copied) expect(readFileSync(join(request.out, name))).toEqual(readFileSync(join(model, name)))
  expect(readdirSync(request.out)).not.toContain('optimizer.pt')
})

it('refuses a value that the dtype does not hold, and leaves nothing behind', async () => {
  const tensors = tensorsOf(llama).map((tensor) =>
    tensor.name === 'model.norm.weight'
      ? { ...tensor, data: new Uint8Array(new Float32Array(48).fill(70_000).buffer) }
      : tensor
  )
  const request = requestFor(writeCheckpoint(config(llama), tensors), { dtype: 'float16' })
  await expect(run(request)).rejects.toMatchObject({
    code: 'NUMERICS',
    message: 'tensor model.norm.weight holds 70000, beyond what float16 reaches; use another dtype'
  })
  expect(readdirSync(request.parent)).toEqual([])
})

it('writes over nothing, and leaves nothing behind when it is cancelled', async () => {
  const taken = requestFor(llama)
  writeFileSync(join(taken.parent, 'note.txt'), 'mine')
  await expect(run({ ...taken, out: taken.parent })).rejects.toMatchObject({ code: 'BAD_INPUT' })
  expect(readdirSync(taken.parent)).toEqual(['note.txt'])

  const request = requestFor(llama)
  const controller = new AbortController()
  const running = exportBase(request, controller.signal)
  controller.abort(new Error('stop'))
  await expect(running).rejects.toThrow('stop')
  expect(readdirSync(request.parent)).toEqual([])
})
