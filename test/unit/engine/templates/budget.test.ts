import { describe, expect, it } from 'vitest'
import { TemplateFault } from '../../../../src/engine/templates/fault'
import { Template } from '../../../../src/engine/templates/template'

/** A sixty-fourth of what a rendering has, so that the tests are quick. */
const FEW = 2 ** 18

function outcome(template: string, steps?: number): string {
  try {
    return new Template(template).render(new Map(), { day: '2026-11-27', steps })
  } catch (error) {
    if (error instanceof TemplateFault) return error.sentence
    throw error
  }
}

const STEPS = /^line 1: the template takes more than 262144 steps for one conversation$/
/** Whichever is found first. */
const EITHER =
  /^line 1: the template (?:takes more than 262144 steps for one conversation|makes a text of more than 67108864 characters)$/
const LONG = /^line 1: the template makes a text of more than 67108864 characters$/
const DOUBLED = (start: string, step: string, times = 40) =>
  `{% set n = namespace(v=${start}) %}{% for i in range(${times}) %}{% set n.v = ${step} %}{% endfor %}`
const MILLION = "('a ' * 500000)"

// Each of these takes minutes or gigabytes where nothing is counted; the suite would not end, or the process die.
describe('a template that never ends, or takes all memory, is refused', () => {
  it.each([
    [
      'loops inside of loops',
      '{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}',
      STEPS
    ],
    [
      'a loop with a condition',
      '{% for i in range(99999) %}{% for j in range(99999) if j < 0 %}{% endfor %}{% endfor %}',
      STEPS
    ],
    [
      'filters of filters',
      "{% for i in range(99999) %}{{ range(99999) | map('string') | list | length }}{% endfor %}",
      STEPS
    ],
    ['macros', '{% macro m(n) %}{% if n > 0 %}{{ m(n - 1) }}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(64) }}', STEPS],
    ['a text behind itself', DOUBLED("'abcdefgh'", 'n.v + n.v'), EITHER],
    ['a text behind itself, by ~', DOUBLED("'abcdefgh'", 'n.v ~ n.v'), EITHER],
    ['a text put between its own letters', DOUBLED("'aaaaaaaa'", "n.v | replace('a', n.v)"), EITHER],
    ['a text joined by itself', DOUBLED("'aaaaaaaa'", '[n.v, n.v, n.v] | join(n.v)'), EITHER],
    ['a text in a wide field', "{{ 'a'.center(500000000) }}", LONG],
    ['a list behind itself', DOUBLED('[1]', 'n.v + n.v'), STEPS],
    ['lists in lists, printed', `${DOUBLED('[1]', '[n.v, n.v]')}{{ n.v }}`, STEPS],
    ['lists in lists, as JSON', `${DOUBLED('[1]', '[n.v, n.v]')}{{ n.v | tojson }}`, STEPS],
    [
      'lists in lists, compared',
      `${DOUBLED('[1]', '[n.v, n.v]')}{% set a = n.v %}${DOUBLED('[1]', '[n.v, n.v]')}{{ a == n.v }}`,
      STEPS
    ],
    ['the letters of a long text', "{{ ('a' * 67000000) | list | length }}", STEPS],
    ['the words of a long text', "{{ ('a ' * 3000000).split(' ') | length }}", STEPS],
    ['batches of any size', '{{ [1] | batch(4000000000, 0) | list | length }}', STEPS],
    ['so many slices', '{{ [1] | slice(4000000000) | list | length }}', STEPS],
    ['words from the right', `{{ ${MILLION}.rsplit() | length }}`, STEPS],
    [
      'a number times itself',
      `${DOUBLED('12345678901', 'n.v * n.v')}`,
      /^line 1: a product of so many digits is not handled /
    ],
    [
      'a number of many digits',
      "{{ ('1' * 1000000) | int(base=16) }}",
      /^line 1: an integer of 1000000 digits is not handled /
    ],
    ['rounding to many digits', '{{ 1 | round(-100000000) }}', /^line 1: rounding to 100000000 digits is not handled /],
    ['sigmas, of which each looks at what is before it', "{{ ('aΣ' * 20000).title() }}", STEPS]
  ])('%s', (_, template, sentence) => {
    expect(outcome(template, FEW)).toMatch(sentence)
  })

  it('a rendering has its steps, and no more', () => {
    expect(outcome("{{ ('a' * 60000000) | list | length }}")).toBe(
      'line 1: the template takes more than 16777216 steps for one conversation'
    )
  })
})

describe('what a long chat needs is not refused', () => {
  it.each([
    [
      'a look at all other turns from each of a thousand',
      '{% for i in range(1000) %}{% for j in range(1000) %}{% if i == j %}{% endif %}{% endfor %}{% endfor %}done',
      'done'
    ],
    [
      'a million letters, trimmed, replaced and cut',
      `{{ (${MILLION} ~ 'b ').strip().replace('a', '').split() | length }}`,
      '1'
    ],
    ['spaces inside of a text that ends in one', "{{ ('a' ~ ' ' * 1000000 ~ 'b ') | trim | length }}", '1000002'],
    [
      'ten thousand letters one by one',
      "{% set t = 'a' * 10000 %}{% set n = namespace(c=0) %}{% for i in range(10000) %}{% if t[i] == 'a' %}{% set n.c = n.c + 1 %}{% endif %}{% endfor %}{{ n.c }}",
      '10000'
    ],
    // int() of Python 3.11 and newer reads 4,300 digits; the filter then gives its default.
    ['an integer of too many digits', "{{ ('1' * 4301) | int }} {{ ('1' * 4300) | int == 0 }}", '0 False']
  ])('%s', (_, template, text) => {
    expect(outcome(template)).toBe(text)
  })
})
