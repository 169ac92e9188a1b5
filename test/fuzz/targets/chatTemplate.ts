import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { ChatRenderer } from '../../../src/engine/calibration/chatRenderer'
import { parseConversation } from '../../../src/engine/calibration/conversation'
import type { ModelTokenizer } from '../../../src/engine/calibration/tokenizer'
import type { FuzzTarget } from '../fuzzTarget'
import { mutateText } from '../mutateText'
import { pick, type Random } from '../random'

const FOLDER = resolve(import.meta.dirname, '../../conformance/templates')
const PUBLISHED = readdirSync(FOLDER).map((name) => readFileSync(join(FOLDER, name), 'utf8'))

/** What templates are made of, and what makes them grow or go on. */
const PIECES = [
  '{% for m in messages %}',
  '{% for i in range(100000) %}',
  '{% for c in x %}',
  '{% endfor %}',
  "{% if messages[0]['role'] == 'user' %}",
  '{% else %}',
  '{% endif %}',
  '{% macro f(a, b=1) %}',
  '{{ f(1) }}',
  '{% endmacro %}',
  '{% set x = x + x %}',
  '{% set ns = namespace(x="ab") %}',
  '{% set ns.x = ns.x ~ ns.x %}',
  '{{ x * 100000 }}',
  '{{ ("a" * 99999) | replace("a", "a" * 99999) }}',
  '{{ messages | tojson(indent=99) }}',
  '{{ (range(99999) | list) | join(",") }}',
  '{{ 9 ** 9 ** 9 }}',
  '{{ "%9999999d" % 1 }}',
  '{{ "{:9999999}".format(1) }}',
  '{{ messages | map(attribute="content") | list }}',
  '{{ m.content.split("") }}',
  '{{ x | indent(99999) }}',
  "{{ strftime_now('%d') }}",
  '{{ raise_exception("no") }}',
  '{% generation %}',
  '{% endgeneration %}',
  '{{ [] | first }}',
  '{{ x.__class__.__mro__ }}',
  '\u0000'
]

function composed(random: Random): Buffer {
  const pieces = Array.from({ length: 1 + random(10) }, () => pick(random, PIECES))
  return Buffer.from(`{% set x = "ab" %}${pieces.join(pick(random, ['', '\n', ' - ']))}`)
}

const CONVERSATION = parseConversation(
  JSON.stringify({
    messages: [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'Hi <|im_start|> \u00e9' },
      {
        role: 'assistant',
        content: 'Hello',
        tool_calls: [{ function: { name: 'f', arguments: { a: [1, 2.5, null] } } }]
      }
    ],
    tools: [{ type: 'function', function: { name: 'f', parameters: { type: 'object', properties: {} } } }]
  }),
  'the conversation'
)

const ROLES = { roles: new Map([['bos_token', '<s>']]) } as unknown as ModelTokenizer

/** Chat templates, run on a conversation with tools. */
export const chatTemplate: FuzzTarget = {
  name: 'chatTemplate',
  inputs: 1000,
  maxMebibytes: 512, // a text may have 64 million characters, and lies there in parts and as a whole
  maxSeconds: 5, // the steps that a rendering has are two or three seconds of work
  make: (random) => ({
    'chat_template.jinja': random(2) === 0 ? composed(random) : mutateText(pick(random, PUBLISHED), random)
  }),
  read: async (directory) => {
    const renderer = await ChatRenderer.open(directory, ROLES, '2026-11-27')
    renderer.renderWithResponses(CONVERSATION, 'the conversation')
  }
}
