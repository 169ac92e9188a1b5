import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { surveyModel } from '../../../../src/engine/ask/survey'
import { configOf, copyCheckpoint, familyDirectory } from '../../../helpers/checkpoints'
import { sampleModel, tokenizers } from '../../../helpers/paths'

function emptyDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'quail-survey-'))
  onTestFinished(() => rmSync(directory, { recursive: true }))
  return directory
}

describe('surveying a checkpoint', () => {
  it('says in short what the sample model is', async () => {
    expect(await surveyModel(sampleModel)).toEqual({
      modelType: 'llama',
      family: 'llama',
      parameters: 3_819_776,
      bytes: expect.closeTo(2 * 3_819_776, -4),
      dtypes: ['BF16'],
      chatTemplate: false,
      missingShards: 0,
      problems: []
    })
  })

  it('names everything that is wrong, and still counts what is there', async () => {
    const directory = copyCheckpoint(familyDirectory('llama'))
    onTestFinished(() => rmSync(directory, { recursive: true }))
    writeFileSync(join(directory, 'config.json'), JSON.stringify({ ...configOf(directory), model_type: 'otherllama' }))
    const { modelType, family, parameters, problems } = await surveyModel(directory)
    expect({ modelType, family }).toEqual({ modelType: 'otherllama', family: null })
    expect(parameters).toBeGreaterThan(0)
    expect(problems).toEqual([
      expect.stringContaining('model_type is "otherllama", nearest by its keys is llama; quail families lists'),
      expect.stringContaining(`${directory} has no tokenizer.json, and no file of any tokenizer`)
    ])
  })

  it('takes vocab.json with merges.txt for a tokenizer', async () => {
    const directory = copyCheckpoint(familyDirectory('opt'))
    onTestFinished(() => rmSync(directory, { recursive: true }))
    const names = ['vocab.json', 'merges.txt', 'tokenizer_config.json']
    for (const name of names) copyFileSync(join(tokenizers, 'opt', name), join(directory, name))
    expect((await surveyModel(directory)).problems).toEqual([])
  })

  it('knows the type of a model whose weights cannot be read', async () => {
    const directory = emptyDirectory()
    copyFileSync(join(sampleModel, 'config.json'), join(directory, 'config.json'))
    expect(await surveyModel(directory)).toMatchObject({
      modelType: 'llama',
      family: null,
      problems: [expect.stringContaining('holds no weights')]
    })
    writeFileSync(join(directory, 'model.safetensors'), 'no header at all')
    expect((await surveyModel(directory)).problems).toEqual([expect.stringContaining('is not a safetensors file')])
  })

  it('counts shards that are not there', async () => {
    const directory = copyCheckpoint(familyDirectory('llama'), undefined, 3)
    onTestFinished(() => rmSync(directory, { recursive: true }))
    rmSync(join(directory, 'model-00002-of-00003.safetensors'))
    expect(await surveyModel(directory)).toMatchObject({
      missingShards: 1,
      problems: [expect.stringContaining('names 3 shards, missing: model-00002-of-00003.safetensors')]
    })
  })

  it('answers for a directory that is none', async () => {
    expect((await surveyModel('/does/not/exist')).problems).toEqual([expect.stringContaining('does not exist')])
  })
})
