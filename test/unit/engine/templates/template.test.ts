import { describe, expect, it } from 'vitest'
import { variablesOf } from '../../../../src/engine/calibration/chatRenderer'
import { parseConversation } from '../../../../src/engine/calibration/conversation'
import { TemplateFault } from '../../../../src/engine/templates/fault'
import { Template } from '../../../../src/engine/templates/template'

const TWO_TURNS = '[{"role": "user", "content": "Where is the whale?"}, {"role": "assistant", "content": "Below."}]'

const render = (template: string, sample = TWO_TURNS): string =>
  new Template(template).render(new Map(variablesOf(parseConversation(sample, 'here'), new Map(), false)), {
    day: '2026-11-27'
  })

function faultOf(template: string, sample = TWO_TURNS): string {
  try {
    render(template, sample)
  } catch (error) {
    if (error instanceof TemplateFault) return error.sentence
    throw error
  }
  return 'rendered'
}

// What is right is of transformers 5.23; test/conformance/test_templates.py has far more.
describe('a chat template', () => {
  it('has neither tools nor documents where none are given', () => {
    const template =
      '{% if tools is not none %}You can call tools.\n{% endif %}{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}'
    expect(render(template)).toBe('user: Where is the whale?\nassistant: Below.\n')
    expect(render(template, `{"messages": ${TWO_TURNS}, "tools": []}`)).toContain('You can call tools.')
  })

  it('writes the arguments of a call as Python does', () => {
    const call =
      '{"depth": 20.0, "deep": true, "near": null, "id": 9007199254740993, "tiny": 1e-05, "2": "b", "1": "a"}'
    const turn = `{"role": "assistant", "content": "", "tool_calls": [{"function": {"name": "find", "arguments": ${call}}}]}`
    const template =
      '{% for c in messages[0].tool_calls %}{{ c.function.arguments | tojson }} {% for k, v in c.function.arguments.items() %}{{ k }}={{ v }} {% endfor %}{{ c.function.arguments }}{% endfor %}'
    expect(render(template, `[${turn}]`)).toBe(
      '{"depth": 20.0, "deep": true, "near": null, "id": 9007199254740993, "tiny": 1e-05, "2": "b", "1": "a"} ' +
        'depth=20.0 deep=True near=None id=9007199254740993 tiny=1e-05 2=b 1=a ' +
        "{'depth': 20.0, 'deep': True, 'near': None, 'id': 9007199254740993, 'tiny': 1e-05, '2': 'b', '1': 'a'}"
    )
  })

  it('finds a key that is null missing, as apply_chat_template does', () => {
    const sample = '[{"role": "assistant", "content": null, "tool_calls": null}]'
    expect(render('{{ messages[0].content is defined }} {{ messages[0] }}', sample)).toBe("False {'role': 'assistant'}")
  })

  it.each([
    ['a\n{% if tools %}\nb', 'line 2: the tag is not closed: {% endif %} is missing'],
    ["\n\n{{ raise_exception('roles must alternate') }}", 'line 3: roles must alternate'],
    ['{{ messages }}\n{{ nothing.at.all }}', "line 2: 'nothing' is undefined"],
    ["{% include 'other' %}", 'line 1: the tag {% include %} is not handled by Quail'],
    ['\n{{ messages | urlize }}', 'line 2: the filter urlize is not handled by Quail; write the template without it'],
    ['{{ messages | nosuch }}', 'line 1: there is no filter nosuch'],
    ['{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}', 'line 1: Maximum call stack size exceeded']
  ])('that fails names the line: %j', (template, sentence) => {
    expect(faultOf(template)).toBe(sentence)
  })

  it('that is nested without bounds is refused', () => {
    expect(faultOf(`{{ ${'('.repeat(100_000)}1${')'.repeat(100_000)} }}`)).toBe('it is nested too deep')
  })
})
