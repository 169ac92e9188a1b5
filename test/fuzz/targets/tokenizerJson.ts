import type { FuzzTarget } from '../fuzzTarget'
import { mutateJson } from '../mutateJson'
import { mutateText } from '../mutateText'
import { pick } from '../random'
import { readTokenizer } from '../readTokenizer'
import { fixture } from '../sources'

const QWEN = fixture('tokenizers/qwen/tokenizer.json').toString()

/** Other kinds of parts, as small as they come. */
const LLAMA = JSON.stringify({
  version: '1.0',
  added_tokens: [
    { id: 0, content: '<s>', special: true, single_word: false, lstrip: false, rstrip: true, normalized: false }
  ],
  normalizer: {
    type: 'Sequence',
    normalizers: [
      { type: 'Prepend', prepend: '\u2581' },
      { type: 'Replace', pattern: { String: ' ' }, content: '\u2581' }
    ]
  },
  pre_tokenizer: { type: 'Metaspace', replacement: '\u2581', prepend_scheme: 'first', split: false },
  post_processor: {
    type: 'TemplateProcessing',
    single: [{ SpecialToken: { id: '<s>', type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }],
    pair: [{ Sequence: { id: 'A', type_id: 0 } }, { Sequence: { id: 'B', type_id: 1 } }],
    special_tokens: { '<s>': { id: '<s>', ids: [0], tokens: ['<s>'] } }
  },
  decoder: { type: 'Sequence', decoders: [{ type: 'ByteFallback' }, { type: 'Fuse' }] },
  model: {
    type: 'BPE',
    unk_token: '<unk>',
    fuse_unk: true,
    byte_fallback: true,
    vocab: { '<s>': 0, '<unk>': 1, '\u2581': 2, t: 3, h: 4, th: 5, '\u2581th': 6, '<0x0A>': 7 },
    merges: ['t h', '\u2581 th']
  }
})

/** Turns `1` into `one`: two levels of a trie, and one replacement. */
const PRECOMPILED = { type: 'Precompiled', precompiled_charsmap: charsMapOfOne() }

function charsMapOfOne(): string {
  const trie = new Uint32Array(512)
  trie[0] = 1 << 10
  trie[1 ^ 0x31] = 0x31 | (1 << 8) | ((256 >> 8) << 10) | (1 << 9) // label, leaf, offset 256
  trie[1 ^ 0x31 ^ 256] = 0 // where the replacement begins
  const bytes = new Uint8Array(4 + trie.byteLength + 4)
  new DataView(bytes.buffer).setUint32(0, trie.byteLength, true)
  bytes.set(new Uint8Array(trie.buffer), 4)
  bytes.set(Buffer.from('one\0'), 4 + trie.byteLength)
  return Buffer.from(bytes).toString('base64')
}

const UNIGRAM = JSON.stringify({
  version: '1.0',
  added_tokens: [],
  normalizer: { type: 'Sequence', normalizers: [{ type: 'Lowercase' }, PRECOMPILED] },
  pre_tokenizer: {
    type: 'Sequence',
    pretokenizers: [
      { type: 'Split', pattern: { Regex: '\\p{N}{1,3}|(?i:th)e?|[^\\s\\p{N}]+' }, behavior: 'Isolated', invert: false },
      { type: 'Whitespace' }
    ]
  },
  post_processor: null,
  decoder: { type: 'Metaspace', replacement: '\u2581' },
  model: {
    type: 'Unigram',
    unk_id: 0,
    vocab: [
      ['<unk>', 0],
      ['\u2581', -1.5],
      ['the', -2],
      ['t', -3],
      ['e', -3]
    ]
  }
})

/** tokenizer.json: built and used on a text. */
export const tokenizerJson: FuzzTarget = {
  name: 'tokenizerJson',
  inputs: 1500,
  make: (random) => {
    const mutate = pick(random, [mutateText, mutateJson, mutateJson])
    return { 'tokenizer.json': mutate(pick(random, [QWEN, LLAMA, LLAMA, UNIGRAM, UNIGRAM]), random) }
  },
  read: readTokenizer
}
