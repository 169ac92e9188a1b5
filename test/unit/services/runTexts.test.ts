import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { resolveTexts } from '../../../src/services/runTexts'
import { Recipe, type TextSource } from '../../../src/shared/recipe'
import { importSet } from '../../../src/store/calibrationSets'
import { sha256, temporaryHome, temporaryStore } from '../../helpers/stores'

const recipe = (calibration: Partial<TextSource>, evaluation?: Partial<TextSource>): Recipe =>
  Recipe.parse({
    version: 1,
    model: '/m',
    calibration,
    ...(evaluation && { evaluation }),
    variants: [{ method: 'svd' }]
  })

describe('the texts of a recipe', () => {
  it('are files with their size and hash', async () => {
    const home = temporaryHome()
    const store = await temporaryStore(home)
    const path = join(home, 'a.txt')
    writeFileSync(path, 'words')
    const { calibration, evaluation } = await resolveTexts(store, recipe({ files: [path] }), join(home, 'inputs'))
    expect(calibration).toEqual([{ name: 'a.txt', path, kind: 'text', bytes: 5, sha256: sha256('words') }])
    expect(evaluation).toEqual([])
  })

  it('get names of their own when their files have the same', async () => {
    const home = temporaryHome()
    const store = await temporaryStore(home)
    const files = ['one', 'two'].map((folder) => {
      mkdirSync(join(home, folder))
      writeFileSync(join(home, folder, 'test.txt'), folder)
      return join(home, folder, 'test.txt')
    })
    const { evaluation } = await resolveTexts(store, recipe({ files: [files[0]!] }, { files }), home)
    expect(evaluation.map(({ name }) => name)).toEqual(['one/test.txt', 'two/test.txt'])
  })

  it('are written out of a stored set as JSON lines, beyond one page of it', async () => {
    const home = temporaryHome()
    const store = await temporaryStore(home)
    const samples = Array.from({ length: 1203 }, (_, i) => `sample ${i}\nwith "quotes"`)
    const set = await importSet(store, { name: 'mine', source: { path: '/a.txt', sha256: sha256('a') }, samples })
    const inputs = join(home, 'inputs')
    const { calibration } = await resolveTexts(store, recipe({ set: 'mine' }), inputs)
    const [text] = calibration
    expect(text).toMatchObject({ name: 'mine', path: join(inputs, 'mine.jsonl'), kind: 'samples' })
    const lines = readFileSync(text!.path, 'utf8').trimEnd().split('\n')
    expect(lines.map((line) => JSON.parse(line).text)).toEqual(samples)
    expect(text?.sha256).toBe(set.contentSha256)
  })

  it.each(['table.csv', 'table.TSV', 'rows.json', 'rows.parquet'])('are not the raw rows of %s', async (name) => {
    const home = temporaryHome()
    const path = join(home, name)
    writeFileSync(path, 'id,text\n1,words\n')
    await expect(resolveTexts(await temporaryStore(home), recipe({ files: [path] }), home)).rejects.toThrow(
      /is a file with rows \(.*\), of which the texts have to be chosen: import it \(quail calibration import, or Data in the window\)/
    )
  })

  it.each([
    ['missing.txt', /missing\.txt does not exist; a text file in UTF-8 is needed$/],
    ['notes', /notes does not exist; a text file in UTF-8 is needed, or set:notes for the stored set$/],
    ['.', /is not a file/],
    ['empty.txt', /empty\.txt is empty/]
  ])('are refused when %s is among them', async (name, sentence) => {
    const home = temporaryHome()
    const store = await temporaryStore(home)
    await importSet(store, { name: 'notes', source: { path: '/a.txt', sha256: sha256('a') }, samples: ['one'] })
    writeFileSync(join(home, 'empty.txt'), '')
    const files = [join(home, name)]
    await expect(resolveTexts(store, recipe({ files }), home)).rejects.toThrow(sentence)
  })
})
