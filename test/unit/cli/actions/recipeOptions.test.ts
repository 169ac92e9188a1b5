import { resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { recipeFromOptions } from '../../../../src/cli/actions/recipeFromOptions'
import { type RecipeValues, recipeOptions } from '../../../../src/cli/actions/recipeOptions'
import { defineCommand, EXIT } from '../../../../src/cli/grammar/command'
import { parseArguments } from '../../../../src/cli/grammar/parseArguments'
import { parseRecipeText } from '../../../../src/services/recipeFile'
import { recipeYaml } from '../../../../src/services/recipeText'
import { quantizerKey } from '../../../../src/shared/quantizerWords'
import { Recipe } from '../../../../src/shared/recipe'
import { fieldsMissing } from '../../../helpers/everyField'

const command = defineCommand({
  name: 'plan',
  summary: '',
  options: recipeOptions,
  examples: [],
  action: () => EXIT.done
})

const recipe = (...args: string[]): Recipe =>
  recipeFromOptions(parseArguments(command, args).options as unknown as RecipeValues, 'plan')

const basic = ['--model', 'm', '--calibration', 'a.txt']

describe('the recipe of the options', () => {
  it('has the same defaults as a recipe file, and quailora as its method', () => {
    expect(recipe(...basic)).toEqual(
      Recipe.parse({
        version: 1,
        model: resolve('m'),
        calibration: { files: [resolve('a.txt')] },
        variants: [{ method: 'quailora' }]
      })
    )
  })

  it('asks how many calibration rows are enough, at most so many', () => {
    const calibration = { files: [resolve('a.txt')] }
    const rows = (value: string) => recipe(...basic, '--calibration-rows', value).calibration
    expect(rows('96')).toEqual({ ...calibration, rows: 96 })
    expect(rows('auto')).toEqual({ ...calibration, rows: 512, enough: 0.01 })
    expect(rows('auto:100')).toEqual({ ...calibration, rows: 100, enough: 0.01 })
    for (const wrong of ['automatic', 'auto:', 'auto:x', 'auto:1:2', '0', 'auto:0'])
      expect(() => rows(wrong)).toThrow(/^--calibration-rows is /)
    expect(() => rows('auto:abc')).toThrow(
      '--calibration-rows is "auto:abc"; a whole number, auto or auto:MOST is needed'
    )
  })

  it('takes other rows where a draw is given', () => {
    expect(recipe(...basic, '--calibration-draw', '2').calibration).toMatchObject({ rows: 64, draw: 2 })
  })

  it('has a variant for each method and rank, once each', () => {
    const { variants } = recipe(...basic, '--method', 'svd,exact', 'svd', '--rank', '8', '--rank=16,8')
    expect(variants.map(({ method, rank }) => `${method}${rank}`)).toEqual(['svd8', 'svd16', 'exact8', 'exact16'])
  })

  it('has a variant for each rank budget beside those of --rank, which then has no default', () => {
    const ranks = (...args: string[]) =>
      recipe(...basic, '--method', 'exact', ...args).variants.map(({ rank, rankBudget }) => [rank, rankBudget])
    expect(ranks('--rank-budget', 'mean=8')).toEqual([[8, {}]])
    expect(ranks('--rank-budget', 'mean=8', 'mean=8,floor=2,cap=32', 'mean=8')).toEqual([[8, {}]])
    expect(ranks('--rank-budget', 'mean=8', '--rank-budget', 'mean=16,floor=2,cap=40', '--rank', '8')).toEqual([
      [8, undefined],
      [8, {}],
      [16, { floor: 2, cap: 40 }]
    ])
    for (const wrong of ['8', 'mean', 'floor=2', 'mean=8,mean=4', 'mean=8,rank=4', 'mean=0', 'mean=8,cap=x', ''])
      expect(() => ranks('--rank-budget', wrong)).toThrow(/^--rank-budget( mean| cap)? is /)
  })

  it('gives the method that corrects nothing the mean of a rank budget everywhere, beside methods that gain from more', () => {
    const [zero, exact] = recipe(...basic, '--method', 'zero,exact', '--rank-budget', 'mean=8').variants
    expect([zero?.method, zero?.rank, zero?.rankBudget]).toEqual(['zero', 8, undefined])
    expect([exact?.method, exact?.rank, exact?.rankBudget]).toEqual(['exact', 8, {}])
    const both = recipe(...basic, '--method', 'zero,exact', '--rank-budget', 'mean=8', '--rank', '8').variants
    expect(both.map(({ method }) => method)).toEqual(['zero', 'exact', 'exact'])
  })

  it('asks whether adapters help where it is told to', () => {
    expect(recipe(...basic).neverWorse).toBeUndefined()
    expect(recipe(...basic, '--never-worse').neverWorse).toBe(true)
  })

  it('quantizes to int8 without blocks, and refuses what only 4-bit formats have', () => {
    const { variants } = recipe(...basic, '--quantizer', 'int8')
    expect(variants.map(({ quantizer }) => quantizerKey(quantizer))).toEqual(['int8'])
    expect(() => recipe(...basic, '--quantizer', 'int8', '--block-size', '128')).toThrow(/int8 .*leave out block size/)
    expect(() => recipe(...basic, '--quantizer', 'int8', '--no-double-quant')).toThrow(/int8 .*double quantization/)
  })

  it('says everything that the options say', () => {
    const { variants, ...rest } = recipe(
      ...['--model', 'm', '--calibration', 'a', 'b', '--evaluation', 'e', '--no-double-quant', '--block-size', '128'],
      ...['--quantizer', 'fp4'],
      ...['--alpha', '32', '--rslora', '--targets', 'q_proj,v_proj', '--iterations', '5', '--context', '64'],
      ...['--calibration-rows', '7', '--evaluation-rows', '9', '--policy', 'padded', '--factor-dtype', 'bfloat16'],
      ...[
        '--loss-on',
        'responses',
        '--calibrate-on',
        'prompts',
        '--first-token',
        'exclude',
        '--template-date',
        '2026-11-27'
      ],
      ...['--seed', '4', '--device', 'webgpu', '--on-device-failure', 'cpu', '--memory-budget', '1MiB']
    )
    expect(variants).toEqual([
      {
        method: 'quailora',
        rank: 16,
        alpha: 32,
        rslora: true,
        iterations: 5,
        targets: ['q_proj', 'v_proj'],
        quantizer: { format: 'fp4', blockSize: 128, doubleQuantization: false }
      }
    ])
    expect(rest).toEqual({
      version: 1,
      model: resolve('m'),
      calibration: { files: [resolve('a'), resolve('b')], rows: 7 },
      evaluation: { files: [resolve('e')], rows: 9 },
      policy: 'padded',
      context: 64,
      lossOn: 'responses',
      calibrateOn: 'prompts',
      firstToken: 'exclude',
      templateDate: '2026-11-27',
      factorDtype: 'bfloat16',
      device: 'webgpu',
      onDeviceFailure: 'cpu',
      memoryBudget: 2 ** 20,
      seed: 4
    })
  })

  it('can say every field of a recipe but names and the draw of evaluation rows, and is the same when written and read', () => {
    const shared = [
      '--model',
      'm',
      '--base',
      'b',
      '--method',
      'exact,quailora',
      '--rank',
      '8',
      '--alpha',
      '12',
      '--rslora'
    ]
    const recipes = [
      recipe(
        ...[...shared, '--calibration', 'a', 'b', '--calibration-rows', 'auto:96', '--calibration-draw', '2'],
        ...['--evaluation', 'e', '--evaluation-rows', '9', '--rank-budget', 'mean=8,floor=2,cap=24', 'mean=4'],
        ...['--quantizer', 'fp4', '--block-size', '128', '--no-double-quant', '--iterations', '5'],
        ...['--targets', 'regex:.*_proj', '--refine', '--refine-steps', '24', '--refine-batch', '2'],
        ...[
          '--refine-rate',
          '0.03',
          '--never-worse',
          '--context',
          '128',
          '--policy',
          'padded',
          '--loss-on',
          'responses'
        ],
        ...['--calibrate-on', 'prompts', '--first-token', 'exclude', '--template-date', '2026-11-27'],
        ...['--factor-dtype', 'bfloat16', '--seed', '4', '--device', 'webgpu', '--on-device-failure', 'cpu'],
        ...['--memory-budget', '1MiB']
      ),
      recipe(...shared, '--calibration', 'set:law', '--evaluation', 'set:chat', '--targets', 'q_proj,v_proj')
    ]
    expect(fieldsMissing(recipes)).toEqual(['name', 'evaluation.draw', 'variants.name'])
    for (const one of recipes) expect(parseRecipeText(recipeYaml(one), '/anywhere/r.yaml')).toEqual(one)
  })

  it('refines what ends best where no method is named, and what is named else', () => {
    const methodOf = (...args: string[]) => recipe(...basic, ...args).variants.map(({ method }) => method)
    expect(methodOf()).toEqual(['quailora'])
    expect(methodOf('--refine')).toEqual(['kfac'])
    expect(methodOf('--refine', '--method', 'exact')).toEqual(['exact'])
  })

  it('takes an expression for targets, commas in it too', () => {
    const { variants } = recipe(...basic, '--targets', 'regex:.*\\.\\d{1,2}\\..*_proj')
    expect(variants[0]?.targets).toEqual({ regex: '.*\\.\\d{1,2}\\..*_proj' })
  })

  it('uses a stored set', () => {
    expect(recipe('--model', 'm', '--calibration', 'set:mine').calibration).toEqual({ set: 'mine', rows: 64 })
  })

  it.each([
    [['--calibration', 'a'], /^--model DIR is missing/],
    [['--model', 'm'], /^--calibration FILE is missing/],
    [[...basic, 'set:mine'], /takes files, or one stored set, not both/],
    [[...basic, '--targets', 'all-linear,q_proj'], /all-linear or a list of names, not both/],
    [[...basic, '--targets', 'q_proj,regex:a'], /a list of names or one regex:PATTERN, not both/],
    [[...basic, '--targets', 'regex:'], /needs an expression/],
    [[...basic, '--method', 'exact,svd', '--iterations', '5'], /^--iterations 5 is of quailora, .* exact, svd$/],
    [[...basic, '--refine', '--iterations', '5'], /^--iterations 5 is of quailora, and the method is kfac$/],
    [[...basic, '--targets', 'regex:(?i)q'], /^--targets: the expression "\(\?i\)q" holds a flag/]
  ])('is refused for %j', (args, sentence) => {
    expect(() => recipe(...args)).toThrow(sentence)
  })
})
