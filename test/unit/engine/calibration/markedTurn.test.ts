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
  ],
  'dolphin for Llama 3, with the generation prompt whether it is asked for or not': [
    '{% for m in messages %}<|im_start|>{{ m.role }}\n{% if m.role == "assistant" %}{% generation %}{{ m.content }}<|im_end|>\n{% endgeneration %}',
    '{% else %}{{ m.content }}<|im_end|>\n{% endif %}{% endfor %}{{ "<|im_start|>assistant\n" }}'
  ],
  'Nemotron Mini, the same with roles behind a token of their own': [
    '{% for m in messages %}<extra_id_1>{{ m.role | capitalize }}\n{% if m.role == "assistant" %}{% generation %}{{ m.content | trim }}\n{% endgeneration %}',
    '{% else %}{{ m.content | trim }}\n{% endif %}{% endfor %}{{ "<extra_id_1>Assistant\n" }}'
  ],
  'OLMo 3, which ends the last turn with another token': [
    '{% for m in messages %}<|im_start|>{{ m.role }}\n{% if m.role == "assistant" %}{% generation %}{{ m.content or "" }}',
    '{% for call in m.tool_calls or [] %}<calls>{{ call.function.name }}({{ call.function.arguments | tojson }})\n</calls>{% endfor %}',
    '{% if loop.last %}{{ eos_token }}{% else %}<|im_end|>\n{% endif %}{% endgeneration %}{% else %}{{ m.content }}<|im_end|>\n{% endif %}{% endfor %}',
    '{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}'
  ],
  'gpt-oss, with channels behind the generation prompt and the reasoning of the last turn alone': [
    '{% for m in messages %}{% if m.role == "assistant" %}{% set thinks = loop.last and not add_generation_prompt %}<|start|>assistant{% generation %}',
    '{% if m.tool_calls %} to={{ m.tool_calls[0].function.name }}<|message|>{{ m.tool_calls[0].function.arguments | tojson }}<|call|>{% else %}',
    '{% if thinks and "</think>" in m.content %}<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant{% endif %}',
    '<|channel|>final<|message|>{{ m.content.split("</think>")[-1] }}{% if thinks %}<|return|>{% else %}<|end|>{% endif %}{% endif %}{% endgeneration %}',
    '{% elif m.role == "tool" %}<|start|>{{ messages[loop.index0 - 1].tool_calls[0].function.name }} to=assistant<|message|>{{ m.content }}<|end|>',
    '{% else %}<|start|>{{ m.role }}<|message|>{{ m.content }}<|end|>{% endif %}{% endfor %}{% if add_generation_prompt %}<|start|>assistant{% endif %}'
  ],
  'Nemotron 3, whose prompt begins a reasoning that is ended at once': [
    '{% set ns = namespace(last=0) %}{% for m in messages %}{% if m.role == "user" %}{% set ns.last = loop.index0 %}{% endif %}{% endfor %}',
    '{% for m in messages %}<|im_start|>{{ m.role }}\n{% if m.role == "assistant" %}{% set said = m.content or "" %}',
    '{% set thinks = "</think>" in said and loop.index0 > ns.last %}<think>{{ "\n" if thinks else "" }}{% generation %}',
    '{% if thinks %}{{ said.split("<think>\n")[-1] }}{% else %}</think>{{ said.split("</think>")[-1] }}{% endif %}',
    '{% for call in m.tool_calls or [] %}<tool_call>{{ call.function.name }}</tool_call>\n{% endfor %}',
    '<|im_end|>\n{% endgeneration %}{% else %}{{ m.content }}<|im_end|>\n{% endif %}{% endfor %}',
    '{% if add_generation_prompt %}<|im_start|>assistant\n<think>\n{% endif %}'
  ],
  'Qwen 3.5, whose prompt holds a reasoning that is empty': [
    '{% set ns = namespace(last=0) %}{% for m in messages %}{% if m.role == "user" %}{% set ns.last = loop.index0 %}{% endif %}{% endfor %}',
    '{% for m in messages %}<|im_start|>{{ m.role }}\n{% if m.role == "assistant" %}{% set said = m.content or "" %}{% set thought = said.split("</think>")[0].split("<think>")[-1].strip() if "</think>" in said else "" %}',
    '{% set last = loop.index0 > ns.last %}{% if last %}<think>\n{% if not thought %}{{ "\n" }}</think>\n\n{% endif %}{% endif %}{% generation %}{% if last and thought %}{{ thought }}\n</think>\n\n{% endif %}',
    '{{ said.split("</think>")[-1].strip() }}{% for call in m.tool_calls or [] %}<tool_call>{{ call.function.name }}</tool_call>{% endfor %}',
    '<|im_end|>\n{% endgeneration %}{% else %}{{ m.content }}<|im_end|>\n{% endif %}{% endfor %}',
    '{% if add_generation_prompt %}<|im_start|>assistant\n<think>\n\n</think>\n\n{% endif %}'
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
  'a call behind words': [
    ...question,
    { ...call, content: 'Let me see.' },
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
      if (name.startsWith('a call') && !template.includes('tool_calls')) continue
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
    ['writes the next role behind the answer', '{{ "</s>" if loop.last else messages[loop.index0 + 1].role }}'],
    // As early ones of Llama 3 and Nemotron Mini do: what follows begins with the tokens of the prompt.
    ['writes the generation prompt whether asked or not', '<|eot|><|head|>{{ "assistant" if loop.last }}']
  ])('where a template %s', async (_, end) => {
    const chat = await chatRendererOf(`{% for m in messages %}<{{ m.role }}>{{ m.content }}${end}{% endfor %}`)
    expect(() => chat.renderWithResponses(parseConversation(JSON.stringify(turns), 'here'), 'here')).toThrow(
      /^here, turn 3: .*add the blocks around what the assistant writes/
    )
  })
})
