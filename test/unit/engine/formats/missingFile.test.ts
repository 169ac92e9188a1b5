import { existsSync, mkdtempSync, readlinkSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { copyCompanions } from '../../../../src/engine/ask/baseFiles'
import { readChatTemplates } from '../../../../src/engine/calibration/chatTemplate'
import { readTexts } from '../../../../src/engine/calibration/texts'
import { readTokenizerSource } from '../../../../src/engine/calibration/tokenizerFiles'
import { Checkpoint } from '../../../../src/engine/formats/checkpoint'
import { listDirectory } from '../../../../src/engine/formats/files'
import { writeHubModel } from '../../../helpers/hubCaches'
import { sampleModel } from '../../../helpers/paths'

const newFolder = (): string => mkdtempSync(join(tmpdir(), 'quail-missing-'))

const openModel = async (directory: string): Promise<void> => (await Checkpoint.open(directory)).close()
const companions = (directory: string): Promise<unknown> => copyCompanions(directory, newFolder())

describe('a snapshot of the Hugging Face cache whose blobs were not all copied', () => {
  it.each([
    ['config.json', openModel],
    ['model.safetensors', openModel],
    ['tokenizer.json', readTokenizerSource],
    ['tokenizer_config.json', readTokenizerSource],
    ['tokenizer_config.json', readChatTemplates],
    ['generation_config.json', companions]
  ])('names %s and what is not there', async (name, read: (directory: string) => Promise<unknown>) => {
    const cache = newFolder()
    const snapshot = writeHubModel(cache, { repository: 'models--org--name', revision: 'r', files: sampleModel })
    await read(snapshot)
    const link = join(snapshot, name)
    const target = readlinkSync(link)
    rmSync(join(snapshot, target))
    await expect(read(snapshot)).rejects.toMatchObject({
      code: 'BAD_INPUT',
      message: `${link} is a link to ${target}, which does not exist: the copy or download is not complete`
    })
    expect(existsSync(link)).toBe(false) // what other programs see
  })

  it('is told from all of what the cache holds of the model', async () => {
    const cache = newFolder()
    writeHubModel(cache, { repository: 'models--org--name', revision: 'r', files: sampleModel })
    await expect(openModel(join(cache, 'models--org--name'))).rejects.toThrow(
      /models--org--name is not a checkpoint, but all .* snapshots\/<revision>$/
    )
  })
})

it('names a link to nothing where a text or a directory was expected', async () => {
  const link = join(newFolder(), 'link')
  symlinkSync('gone', link)
  const sentence = `${link} is a link to gone, which does not exist: the copy or download is not complete`
  await expect(listDirectory(link, 'model directory')).rejects.toThrow(`the model directory ${sentence}`)
  const text = { name: 'link', path: link, kind: 'text' as const, bytes: 1, sha256: '' }
  await expect(readTexts(text, '/').next()).rejects.toThrow(`${sentence}; a text file in UTF-8 is needed`)
})
