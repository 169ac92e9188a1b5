import { describe, expect, test } from 'vitest'
import { parseConversation } from '../../../../src/engine/calibration/conversation'
import { chatRendererOf } from '../../../helpers/chats'

/** Blocks say what the model writes: of transformers, as responseMask.test.ts compares. */
const BLOCKS = /\{%-? generation -?%\}|\{%-? endgeneration -?%\}/g

/** In the style of families, with blocks from the end of the generation prompt to that of the turn. */
const TEMPLATES = {
  'Qwen3, which writes the reasoning of the last answer alone': [
    '{% set ns = namespace(last=0) %}{% for m in messages %}{% if m.role == "user" %}{% set ns.last = loop.index0 %}{% endif %}{% endfor %}',
    '{% for m in messages %}<|im_start|>{{ m.role }}\n{% if m.role == "assistant" %}{% generation %}{% set said = m.content or "" %}',
    '{% if loop.index0 > ns.last and loop.last %}<think>\n{{ said.split("</think>")[0] if "</think>" in said }}\n</think>\n\n{% endif %}',
    '{{ said.split("</think>")[-1].strip() }}{% for call in m.tool_calls or [] %}<tool_call>{{ call.function.name }}</tool_call>{% endfor %}',
    '<|im_end|>\n{% endgeneration %}{% else %}{{ m.content }}<|im_end|>\n{% endif %}{% endfor %}',
    '{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}'
  ],
  'DeepSeek R1, whose prompt begins a reasoning that it does not write': [
    '{{ bos_token }}{% for m in messages %}{% if m.role == "assistant" %}<|Assistant|>{% generation %}',
    '{% if m.tool_calls %}<|calls|>{{ m.tool_calls[0].function.name }}{% else %}{{ m.content.split("</think>")[-1] }}{% endif %}{{ eos_token }}{% endgeneration %}',
    '{% else %}<|{{ m.role }}|>{{ m.content }}{% endif %}{% endfor %}{% if add_generation_prompt %}<|Assistant|><think>\n{% endif %}'
  ],
  'Phi-3, with one more token at the end of the last turn': [
    '{% for m in messages %}<|{{ m.role }}|>\n{% if m.role == "assistant" %}{% generation %}{{ m.content }}<|end|>\n',
    '{% if loop.last %}{{ eos_token }}{% endif %}{% endgeneration %}{% else %}{{ m.content }}<|end|>\n{% if loop.last and not add_generation_prompt %}{{ eos_token }}{% endif %}{% endif %}{% endfor %}',
    '{% if add_generation_prompt %}<|assistant|>\n{% endif %}'
  ],
  'Mistral, with the system prompt before the last question': [
    '{{ bos_token }}{% for m in messages %}{% if m.role == "user" %}{% if messages[loop.index0 + 1:] | selectattr("role", "equalto", "user") | list | length == 0 %}[TOOLS]{{ messages[0].content }}[/TOOLS]{% endif %}',
    '[INST] {{ m.content | trim }}[/INST]{% elif m.role == "assistant" %}{% generation %}{% if m.tool_calls %}[CALLS] [{{ m.tool_calls[0].function | tojson }}]{% else %} {{ m.content | trim }}{% endif %}',
    '{{ eos_token }}{% endgeneration %}{% elif m.role == "tool" %}[RESULTS] {{ m.content }}[/RESULTS]{% endif %}{% endfor %}'
  ]
}

const said = (role: string, content: string) => ({ role, content })
const call = {
  role: 'assistant',
  content: null,
  tool_calls: [{ type: 'function', function: { name: 'find', arguments: { place: '<sea>' } } }]
}
const question = [said('system', 'Be [INST] brief.'), said('user', 'Where?')]
const CONVERSATIONS = {
  'two answers': [...question, said('assistant', '<b>Here</b>'), said('user', 'Why?'), said('assistant', 'So.')],
  'answers that are alike': [
    ...question,
    said('assistant', 'Where?'),
    ...question.slice(1),
    said('assistant', 'Where?')
  ],
  reasonings: [
    ...question,
    said('assistant', '<think>\nHm.\n</think>\n\nHere.'),
    said('user', 'Why?'),
    said('assistant', '<think>\nOh.\n</think>\n\nSo.')
  ],
  'a call': [
    ...question,
    call,
    said('tool', '5'),
    said('assistant', 'Five.'),
    said('user', 'Why?'),
    said('assistant', 'So.')
  ],
  'a question at the end': [...question, said('assistant', 'Here.'), said('user', 'Why?')]
}

describe('the responses are those that blocks would mark, without any, by a template in the style of', () => {
  test.each(Object.entries(TEMPLATES))('%s', async (_, pieces) => {
    const template = pieces.join('')
    const [marked, plain] = [await chatRendererOf(template), await chatRendererOf(template.replaceAll(BLOCKS, ''))]
    for (const [name, turns] of Object.entries(CONVERSATIONS)) {
      if (name === 'a call' && !template.includes('tool_calls')) continue
      const conversation = parseConversation(JSON.stringify(turns), name)
      const expected = marked.renderWithResponses(conversation, name)
      expect(plain.renderWithResponses(conversation, name), name).toEqual(expected)
      expect(expected.responses).toHaveLength(turns.filter(({ role }) => role === 'assistant').length)
    }
  })
})

describe('the responses are not guessed', () => {
  const turns = [...question, said('assistant', 'Here.'), said('user', 'Why?')]
  test.each([
    ['ends its turns in another way within', '{{ "<|im_end|>" if not loop.last else eos_token }}'],
    ['writes the next role behind the answer', '{{ "</s>" if loop.last else messages[loop.index0 + 1].role }}']
  ])('where a template %s', async (_, end) => {
    const chat = await chatRendererOf(`{% for m in messages %}<{{ m.role }}>{{ m.content }}${end}{% endfor %}`)
    expect(() => chat.renderWithResponses(parseConversation(JSON.stringify(turns), 'here'), 'here')).toThrow(
      /^here, turn 3: .*add the blocks around what the assistant writes/
    )
  })
})
