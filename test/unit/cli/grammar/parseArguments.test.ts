import { describe, expect, it } from 'vitest'
import { defineCommand, EXIT } from '../../../../src/cli/grammar/command'
import {
  flag,
  integer,
  list,
  oneOf,
  optional,
  positive,
  required,
  size,
  text,
  withDefault
} from '../../../../src/cli/grammar/options'
import { parseArguments } from '../../../../src/cli/grammar/parseArguments'

const command = defineCommand({
  name: 'try',
  summary: 'for this test',
  positionals: [{ name: 'FILE', description: 'a file', optional: true }],
  options: {
    out: required('DIR', text, 'where to'),
    name: optional('NAME', text, 'a name'),
    seed: withDefault('N', integer(0, 9), 3, 'a number'),
    alpha: withDefault('A', positive, 16, 'a number'),
    budget: withDefault('SIZE', size, 1024, 'a size'),
    text: list('FILE', text, 'texts'),
    method: list('METHOD', oneOf(['svd', 'exact']), 'methods', { commas: true }),
    quiet: flag('say nothing', { short: 'q' })
  },
  examples: [],
  action: () => EXIT.done
})

const parse = (...args: string[]) => parseArguments(command, args)
const refusal = (...args: string[]): string => {
  try {
    parse('--out', 'o', ...args)
    return 'accepted'
  } catch (error) {
    return (error as Error).message
  }
}

describe('arguments', () => {
  it('fill in defaults for what is not given', () => {
    const { options, positionals, given } = parse('--out', 'o')
    expect(options).toEqual({
      out: 'o',
      name: undefined,
      seed: 3,
      alpha: 16,
      budget: 1024,
      text: [],
      method: [],
      quiet: false
    })
    expect(positionals).toEqual([])
    expect([...given]).toEqual(['out'])
  })

  it('take several values after one option, repeated, or with commas where the option says so', () => {
    const { options, positionals } = parse(
      'f',
      '--text',
      'a',
      'b,c',
      '--method=svd,exact',
      '--text',
      'd',
      '-q',
      '--out=o'
    )
    expect(options).toMatchObject({ text: ['a', 'b,c', 'd'], method: ['svd', 'exact'], quiet: true, out: 'o' })
    expect(positionals).toEqual(['f'])
  })

  it('take what follows -- as arguments, and what begins with a dash after =', () => {
    expect(parse('--out', 'o', '--text', 'a', '--', '-f').positionals).toEqual(['-f'])
    expect(parse('--out=--odd').options).toMatchObject({ out: '--odd' })
    expect(parse('--out', 'o', '-q', '--out', 'o', '-q').options).toMatchObject({ out: 'o', quiet: true })
  })

  it('read sizes and numbers', () => {
    expect(parse('--out', 'o', '--budget', '2GiB', '--alpha', '0.5').options).toMatchObject({
      budget: 2 ** 31,
      alpha: 0.5
    })
  })

  it.each([
    [['--sed', '1'], 'unknown option --sed for quail try; did you mean --seed?'],
    [['-x'], 'unknown option -x for quail try; see quail try --help'],
    [['--name'], '--name needs a value: --name NAME'],
    [['--name', '--quiet'], '--name needs a value: --name NAME'],
    [['--name', ''], '--name is empty; a value is needed'],
    [['--seed', '-1'], '--seed is -1; at least 0 is needed'],
    [['--seed', '10'], '--seed is 10; at most 9 is accepted'],
    [['--seed', '1.5'], '--seed is "1.5"; a whole number is needed'],
    [['--alpha', '0'], '--alpha is "0"; a number above 0 is needed'],
    [['--alpha', 'Infinity'], '--alpha is "Infinity"; a number above 0 is needed'],
    [['--budget', '2XB'], '--budget is "2XB"; a size such as 512MiB or 2GiB is needed'],
    [['--method', 'svd,exakt'], '--method is "exakt"; one of svd, exact is needed; did you mean exact?'],
    [['--seed', '1', '--seed', '2'], '--seed is given as "1" and as "2"; it takes one value'],
    [['--quiet=no'], '--quiet takes no value, "no" was given'],
    [['a', 'b'], 'quail try does not take "b"; see quail try --help']
  ])('refuse %j in one sentence', (args, sentence) => {
    // A positional must not be taken as a further value: the required option takes one.
    expect(refusal(...args)).toBe(sentence)
  })

  it('name the required option that is missing', () => {
    expect(() => parse('f')).toThrow('--out DIR is missing: where to')
  })
})
