import { copyFileSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ChatRenderer } from '../../src/engine/calibration/chatRenderer'
import { ModelTokenizer } from '../../src/engine/calibration/tokenizer'
import { sampleModel } from './paths'

/** The renderer of a directory with the sample model's tokenizer and this chat template. */
export async function chatRendererOf(template: string): Promise<ChatRenderer> {
  const directory = mkdtempSync(join(tmpdir(), 'quail-chat-'))
  for (const name of ['tokenizer.json', 'tokenizer_config.json'])
    copyFileSync(join(sampleModel, name), join(directory, name))
  writeFileSync(join(directory, 'chat_template.jinja'), template)
  return ChatRenderer.open(directory, await ModelTokenizer.open(directory), '2026-11-27')
}
