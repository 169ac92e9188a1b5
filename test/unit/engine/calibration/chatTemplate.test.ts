import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { readChatTemplates } from '../../../../src/engine/calibration/chatTemplate'

function directoryOf(files: Readonly<Record<string, string>>): string {
  const directory = mkdtempSync(join(tmpdir(), 'quail-chat-'))
  onTestFinished(() => rmSync(directory, { recursive: true }))
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, name)), { recursive: true })
    writeFileSync(join(directory, name), content)
  }
  return directory
}
const config = (chat_template: unknown): string => JSON.stringify({ chat_template })

describe('reading chat templates', () => {
  it('prefers the file to the configuration, and adds the additional ones', async () => {
    const directory = directoryOf({
      'chat_template.jinja': '{{ messages }}',
      'tokenizer_config.json': config('old'),
      'additional_chat_templates/tool_use.jinja': 'tools',
      'additional_chat_templates/notes.txt': 'none'
    })
    const sha256 = createHash('sha256').update('{{ messages }}').digest('hex')
    expect(await readChatTemplates(directory)).toEqual([
      { name: 'default', file: 'chat_template.jinja', sha256, text: '{{ messages }}', readsDate: false },
      expect.objectContaining({ name: 'tool_use', file: 'additional_chat_templates/tool_use.jinja', text: 'tools' })
    ])
  })

  it('reads one text, or a named list with the default first, from tokenizer_config.json', async () => {
    expect(await readChatTemplates(directoryOf({ 'tokenizer_config.json': config('one') }))).toMatchObject([
      { name: 'default', file: 'tokenizer_config.json', text: 'one' }
    ])
    const several = config([
      { name: 'rag', template: 'b' },
      { name: 'default', template: 'a' }
    ])
    expect(
      (await readChatTemplates(directoryOf({ 'tokenizer_config.json': several }))).map(({ name }) => name)
    ).toEqual(['default', 'rag'])
  })

  it('reads that of a processor where the tokenizer has none', async () => {
    const both = { 'tokenizer_config.json': config('own'), 'chat_template.json': config("the processor's") }
    const found = async (files: Readonly<Record<string, string>>) => await readChatTemplates(directoryOf(files))
    expect(await found({ ...both, 'tokenizer_config.json': '{}' })).toMatchObject([
      { name: 'default', file: 'chat_template.json', text: "the processor's" }
    ])
    expect(await found(both)).toMatchObject([{ file: 'tokenizer_config.json', text: 'own' }])
    const older = { ...both, 'tokenizer_config.json': '{}', 'processor_config.json': config("Idefics 2's") }
    expect(await found(older)).toMatchObject([{ file: 'processor_config.json', text: "Idefics 2's" }])
    expect(await found({ ...older, 'processor_config.json': '{}' })).toMatchObject([{ file: 'chat_template.json' }])
    expect(await found({ ...both, 'chat_template.jinja': 'newest' })).toMatchObject([{ text: 'newest' }])
  })

  it('finds none where there is none', async () => {
    expect(await readChatTemplates(directoryOf({}))).toEqual([])
    expect(await readChatTemplates(directoryOf({ 'tokenizer_config.json': '{}' }))).toEqual([])
    expect(await readChatTemplates(directoryOf({ 'tokenizer_config.json': 'null' }))).toEqual([])
  })

  it.each([
    [config(7), 'chat_template is neither a text nor a list of templates'],
    [config([{ name: 'default' }]), 'has no "name" or no "template"'],
    ['{', 'is not valid JSON']
  ])('refuses %s in one sentence', async (content, message) => {
    await expect(readChatTemplates(directoryOf({ 'tokenizer_config.json': content }))).rejects.toThrow(message)
  })

  it('refuses a template of a size that none has', async () => {
    const directory = directoryOf({ 'chat_template.jinja': ' '.repeat(2 ** 20 + 1) })
    await expect(readChatTemplates(directory)).rejects.toThrow('has 1048577 bytes; at most 1048576 are accepted')
  })
})
