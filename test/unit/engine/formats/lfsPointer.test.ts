import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { copyCompanions } from '../../../../src/engine/ask/baseFiles'
import { inspectPath } from '../../../../src/engine/ask/inspect'
import { surveyModel } from '../../../../src/engine/ask/survey'
import { readTexts } from '../../../../src/engine/calibration/texts'
import { ModelTokenizer } from '../../../../src/engine/calibration/tokenizer'
import { Checkpoint } from '../../../../src/engine/formats/checkpoint'
import { readAdapterDirectory } from '../../../../src/engine/formats/readAdapter'
import { addTokenizer, copyCheckpoint } from '../../../helpers/checkpoints'
import { ABOUT_POINTER, lfsPointer } from '../../../helpers/lfsPointer'
import { sampleModel } from '../../../helpers/paths'
import { resolveText } from '../../../helpers/runs'

const root = mkdtempSync(join(tmpdir(), 'quail-pointer-'))
afterAll(() => rmSync(root, { recursive: true }))

let made = 0
/** A directory with these files, a pointer each where no content is given. */
function directoryOf(files: Record<string, string | undefined>): string {
  const directory = join(root, String(made++))
  mkdirSync(directory)
  for (const [name, content] of Object.entries(files)) writeFileSync(join(directory, name), content ?? lfsPointer())
  return directory
}

const INDEX = JSON.stringify({ weight_map: { a: 'model-00001-of-00001.safetensors' } })
const TORCH_INDEX = INDEX.replace('model-00001-of-00001.safetensors', 'pytorch_model-00001-of-00001.bin')

describe('a Git LFS pointer', () => {
  it.each([
    ['model.safetensors', { 'config.json': '{}' }],
    ['pytorch_model.bin', { 'config.json': '{}' }],
    ['config.json', { 'model.safetensors': '' }],
    ['model.safetensors.index.json', { 'config.json': '{}' }],
    ['model-00001-of-00001.safetensors', { 'config.json': '{}', 'model.safetensors.index.json': INDEX }],
    ['pytorch_model-00001-of-00001.bin', { 'config.json': '{}', 'pytorch_model.bin.index.json': TORCH_INDEX }]
  ])('is called so in a checkpoint: %s', async (name, others) => {
    const directory = directoryOf({ ...others, [name]: undefined })
    const message = `${join(directory, name)} ${ABOUT_POINTER}`
    await expect(Checkpoint.open(directory)).rejects.toThrow(message)
    await expect(inspectPath(directory)).rejects.toThrow(message)
    expect((await surveyModel(directory)).problems).toEqual([expect.stringContaining(message)])
    if (!name.endsWith('.json')) await expect(inspectPath(join(directory, name))).rejects.toThrow(message)
  })

  it.each(['tokenizer.json', 'tokenizer_config.json'])('is called so in a tokenizer: %s', async (name) => {
    const directory = copyCheckpoint(sampleModel)
    addTokenizer(directory)
    writeFileSync(join(directory, name), lfsPointer())
    const message = `${join(directory, name)} ${ABOUT_POINTER}`
    await expect(ModelTokenizer.open(directory)).rejects.toThrow(message)
    expect((await inspectPath(directory)).problems).toEqual([expect.stringContaining(message)])
    await expect(copyCompanions(directory, directoryOf({}))).rejects.toThrow(message)
    rmSync(directory, { recursive: true })
  })

  it.each(['adapter_config.json', 'adapter_model.safetensors'])('is called so in an adapter: %s', async (name) => {
    const config = JSON.stringify({ peft_type: 'LORA', r: 2, lora_alpha: 2 })
    const files = { 'adapter_config.json': config, 'adapter_model.safetensors': '', [name]: undefined }
    const directory = directoryOf(files)
    await expect(readAdapterDirectory(directory)).rejects.toThrow(`${join(directory, name)} ${ABOUT_POINTER}`)
  })

  it.each(['text', 'samples', 'messages'] as const)('is called so in a text: %s', async (kind) => {
    const path = join(directoryOf({ 'mine.txt': undefined }), 'mine.txt')
    await expect(readTexts(resolveText(path, kind), root).next()).rejects.toThrow(`${path} ${ABOUT_POINTER}`)
  })

  it('is known with line ends of Windows and with extensions, and a text about it is none', async () => {
    const pointer = lfsPointer().replace('\noid', '\next-0-mine sha256:00\noid').replaceAll('\n', '\r\n')
    const [damaged, about] = [join(root, 'pointer.txt'), join(root, 'about.txt')]
    writeFileSync(damaged, pointer)
    await expect(readTexts(resolveText(damaged), root).next()).rejects.toThrow('is a Git LFS pointer of')
    writeFileSync(about, `This is one:\n${lfsPointer()}`)
    expect((await readTexts(resolveText(about), root).next()).done).toBe(false)
  })
})
