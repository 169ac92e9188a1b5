import { expect, test } from 'vitest'
import { redact } from '../../../../src/services/maintenance/redact'

const identity = {
  quailHome: '/home/jane/.local/share/quail',
  userHome: '/home/jane',
  userName: 'jane',
  hostName: 'lab-7',
  paths: ['/data/Secret Project/llama', 'C:\\Users\\jane\\My Models\\qwen']
}

test.each([
  ['/home/jane/.local/share/quail/quail.db is damaged', '<quail home>/quail.db is damaged'],
  ['~ is /home/jane, models in /home/jane/hf/x', '~ is <home>, models in <home>/hf/x'],
  ['read /data/Secret Project/llama/config.json', 'read …/llama/config.json'],
  ['C:\\Users\\jane\\My Models\\qwen\\config.json', '…/qwen\\config.json'],
  ['C:\\Users\\jane\\AppData\\x.log', '…/x.log'],
  ['\\\\server\\share\\team\\x.bin', '…/x.bin'],
  ['at run (file:///opt/acme/quail/out/main/cli.js:12:5)', 'at run (…/cli.js:12:5)'],
  ['"/srv/acme/texts/notes.txt" does not exist', '"…/notes.txt" does not exist'],
  ['/mnt/acme/out/, /mnt/acme/b', '…/, …/b'],
  ['process of Jane on LAB-7.local', 'process of <user> on <host>.local'],
  ['janes models, lab-70', 'janes models, lab-70'],
  [
    '12/34 blocks, and/or, 1.5 tokens/s, https://example.org',
    '12/34 blocks, and/or, 1.5 tokens/s, https://example.org'
  ],
  ['run 20261125-1200-law-abcd: model.layers.0.mlp', 'run 20261125-1200-law-abcd: model.layers.0.mlp']
])('%s', (text, expected) => {
  expect(redact(text, identity)).toBe(expected)
})
