import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { configOf, copyCheckpoint, familyDirectory } from './checkpoints'
import { sampleText } from './paths'

/** Characters of the text. */
const LENGTH = 8000

/**
 * A copy of one of the tiny checkpoints of 96 tokens with a token for each printable character of ASCII, and a text of these:
 * a run of it takes a second where one of the sample model takes ten.
 *
 * @param context - tokens that its positions reach, where more than in the original
 */
export function characterModel(family: string, context = 0): { readonly model: string; readonly text: string } {
  const source = familyDirectory(family)
  const config = configOf(source)
  const positions = Math.max(context, config.max_position_embeddings as number)
  const model = copyCheckpoint(source, (tensor) => {
    if (!tensor.name.endsWith('embed_positions.weight')) return tensor
    const [rows = 0, width = 0] = tensor.shape
    const more = rows + positions - (config.max_position_embeddings as number)
    const data = new Uint8Array(4 * more * width).map((_, i) => tensor.data[i % tensor.data.length] as number)
    return { ...tensor, shape: [more, width], data }
  })
  if (context > 0)
    writeFileSync(join(model, 'config.json'), JSON.stringify({ ...config, max_position_embeddings: positions }))
  const characters = ['\n', ...Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i))]
  const tokenizer = {
    version: '1.0',
    added_tokens: [],
    normalizer: null,
    post_processor: null,
    decoder: null,
    pre_tokenizer: { type: 'Split', pattern: { Regex: '[\\s\\S]' }, behavior: 'Isolated', invert: false },
    model: { type: 'BPE', vocab: Object.fromEntries(characters.map((character, id) => [character, id])), merges: [] }
  }
  writeFileSync(join(model, 'tokenizer.json'), JSON.stringify(tokenizer))
  writeFileSync(join(model, 'tokenizer_config.json'), JSON.stringify({ tokenizer_class: 'PreTrainedTokenizerFast' }))
  const ascii = readFileSync(sampleText('moby-calibration.txt'), 'utf8').replace(/[^\n -~]/g, '')
  const text = join(model, 'text.txt')
  writeFileSync(text, ascii.slice(0, LENGTH))
  return { model, text }
}
