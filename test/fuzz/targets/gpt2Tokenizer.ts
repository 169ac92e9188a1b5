import type { FuzzTarget } from '../fuzzTarget'
import { mutateText } from '../mutateText'
import { pick } from '../random'
import { readTokenizer } from '../readTokenizer'
import { fixture } from '../sources'

const NAMES = ['vocab.json', 'merges.txt', 'tokenizer_config.json', 'config.json']
const SOUND = ['gpt2', 'opt', 'opt-added'].map((folder) =>
  Object.fromEntries(NAMES.map((name) => [name, fixture('tokenizers', folder, name)]))
)

/** vocab.json and merges.txt with the files of special tokens, as GPT-2 and OPT have them. */
export const gpt2Tokenizer: FuzzTarget = {
  name: 'gpt2Tokenizer',
  inputs: 1500,
  make: (random) => {
    const files = pick(random, SOUND)
    const name = pick(random, NAMES)
    return { ...files, [name]: mutateText(String(files[name]), random) }
  },
  read: readTokenizer
}
