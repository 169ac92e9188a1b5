import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { Workplace } from '../helpers/commandLine'
import { sampleModel, sampleText } from '../helpers/paths'

const work = new Workplace()
const text = sampleText('moby-evaluation.txt')

/** A copy of the sample model that `change` may damage. */
function damaged(name: string, change: (directory: string) => void): string {
  const directory = work.path(name)
  cpSync(sampleModel, directory, { recursive: true })
  change(directory)
  return directory
}

function changeConfig(directory: string, changes: object): void {
  const path = `${directory}/config.json`
  writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, 'utf8')), ...changes }))
}

const models = {
  good: sampleModel,
  truncated: damaged('truncated', (d) => truncateSync(`${d}/model.safetensors`, 1_000_000)),
  pickled: damaged('pickled', (d) => {
    rmSync(`${d}/model.safetensors`)
    writeFileSync(`${d}/pytorch_model.bin`, 'x')
  }),
  unknown: damaged('unknown', (d) => changeConfig(d, { model_type: 'mystery', architectures: ['MysteryForCausalLM'] })),
  tokenless: damaged('tokenless', (d) => rmSync(`${d}/tokenizer.json`)),
  unconfigured: damaged('unconfigured', (d) => rmSync(`${d}/config.json`)),
  missing: work.path('nowhere')
}

mkdirSync(work.path('full'))
writeFileSync(work.path('full', 'keep.txt'), 'mine')
writeFileSync(work.path('empty.txt'), '')
writeFileSync(work.path('blank.txt'), ' \n \n')

const base = { model: models.good, calibration: text, out: 'out' }

/** Arguments of init-lora with some replaced. */
const initLora = (changes: Partial<typeof base>, ...more: string[]): string[] => [
  'init-lora',
  ...Object.entries({ ...base, ...changes }).flatMap(([name, value]) => [`--${name}`, value]),
  ...more
]

describe('bad input ends with 2 and one sentence, and leaves nothing behind', () => {
  it.each([
    ['a missing checkpoint', initLora({ model: models.missing }), /nowhere/],
    [
      'of a missing checkpoint and a missing text, the first',
      initLora({ model: models.missing, calibration: 'gone.txt' }),
      /nowhere/
    ],
    ['the same in a plan', ['plan', '--model', 'nowhere', '--calibration', 'gone.txt'], /nowhere/],
    ['a truncated shard', initLora({ model: models.truncated }), /model\.safetensors/],
    [
      'a pytorch_model.bin that is no torch file',
      initLora({ model: models.pickled }),
      /pytorch_model\.bin is no torch file/
    ],
    ['an unknown family', initLora({ model: models.unknown }), /mystery/],
    ['a tokenizer without tokenizer.json', initLora({ model: models.tokenless }), /tokenizer\.json/],
    ['no config.json', initLora({ model: models.unconfigured }), /config\.json/],
    ['a missing text', initLora({ calibration: 'gone.txt' }), /gone\.txt does not exist/],
    ['an empty text', initLora({ calibration: 'empty.txt' }), /empty\.txt is empty/],
    ['a blank text', initLora({ calibration: 'blank.txt' }), /blank\.txt holds no text/],
    ['a text given twice', initLora({}, '--calibration', text), /given twice/],
    ['a missing evaluation text', initLora({}, '--evaluation', 'gone.txt'), /gone\.txt does not exist/],
    ['rank 0', initLora({}, '--rank', '0'), /--rank is 0; at least 1 is needed/],
    ['a rank above the size of a layer', initLora({}, '--rank', '4096'), /rank is 4096/],
    ['a rank that is no number', initLora({}, '--rank', 'big'), /--rank is "big"; a whole number is needed/],
    ['a target that matches nothing', initLora({}, '--targets', 'q_porj'), /q_porj/],
    ['an unknown method', initLora({}, '--method', 'exakt'), /did you mean exact\?/],
    ['a block size that does not exist', initLora({}, '--block-size', '65'), /--block-size is "65"; one of 32, 64/],
    ['a size that is none', initLora({}, '--memory-budget', 'lots'), /--memory-budget is "lots"; a size such as/],
    ['a context beyond the model', initLora({}, '--context', '1000000'), /context/],
    ['a stored set that does not exist', initLora({ calibration: 'set:mine' }), /no calibration set named "mine"/],
    ['an output directory that is not empty', initLora({ out: 'full' }), /full is not empty/],
    ['an output directory in the checkpoint', initLora({ out: `${sampleModel}/adapter` }), /never written/],
    ['a missing file to inspect', ['inspect', 'gone'], /gone/],
    ['a missing adapter to verify', ['verify', 'gone', '--model', sampleModel], /gone does not exist/],
    ['an adapter that is none', ['verify', 'full', '--model', sampleModel], /adapter_config\.json/],
    ['a missing bundle', ['import-bundle', 'gone'], /gone does not exist; a file that quail bundle wrote is needed/],
    ['a directory in place of a bundle', ['import-bundle', 'full'], /full is not a file; a file that quail bundle/],
    ['a missing recipe', ['run', 'gone.yaml'], /gone\.yaml does not exist; a recipe is a YAML or JSON file/]
  ])('%s', async (_, args, sentence) => {
    const { code, stdout, stderr } = await work.quail(...args)
    expect({ code, stdout, stderr }).toEqual({ code: 2, stdout: '', stderr: expect.stringMatching(sentence) })
    expect(stderr).toMatch(/^quail: [^\n]+\n$/)
    expect(stderr).not.toMatch(/\n\s+at /)
    expect(existsSync(work.path('out'))).toBe(false)
    expect(await work.json('runs', 'list', '--json')).toEqual([])
  })

  it('keeps what was in the output directory', () => {
    expect(readFileSync(work.path('full', 'keep.txt'), 'utf8')).toBe('mine')
  })
})

describe('a recipe file', () => {
  const recipe = (changes: object): string =>
    JSON.stringify({
      version: 1,
      model: sampleModel,
      calibration: { files: [text] },
      variants: [{ method: 'exact' }],
      ...changes
    })

  it.each([
    [
      'unknown.json',
      recipe({ variants: [{ method: 'exact', rnak: 4 }] }),
      /variants\.0\.rnak: unknown key; did you mean rank\?/
    ],
    ['version.json', recipe({ version: 7 }), /version: 7 is not accepted; 1 is needed/],
    ['broken.json', '{', /broken\.json is not valid JSON/],
    ['broken.yaml', 'a: [1', /broken\.yaml is not valid YAML: .*line 1/],
    ['tagged.yaml', 'model: !!js x', /^quail: .*tagged\.yaml is not valid YAML: Unresolved tag: .*line 1/],
    ['long.yaml', `model: |${'x'.repeat(9999)}`, /^quail: .{1,300} at line 1, column \d+\n$/],
    ['text.yaml', 'hello', /text\.yaml: "hello" is not a mapping/]
  ])('that cannot be used is refused with its key or line: %s', async (name, content, sentence) => {
    writeFileSync(work.path(name), content)
    const { code, stderr } = await work.quail('run', name, '--out', 'out')
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringMatching(sentence) })
    expect(stderr.trimEnd().split('\n')).toHaveLength(1)
  })

  it('that is no text is refused without what it holds', async () => {
    writeFileSync(work.path('bytes.yaml'), Buffer.from([0x61, 0x3a, 0xff, 0xfe, 0x0a]))
    writeFileSync(work.path('zero.yaml'), 'a: "\0"')
    const refused = await Promise.all(['bytes', 'zero'].map((name) => work.quail('run', `${name}.yaml`)))
    expect(refused.map(({ code, stderr }) => [code, stderr])).toEqual([
      [2, expect.stringMatching(/bytes\.yaml is not valid UTF-8; save it as UTF-8\n$/)],
      [2, expect.stringMatching(/zero\.yaml is not a text file: byte 4 is zero/)]
    ])
  })

  it('cannot be mixed with options in plan', async () => {
    writeFileSync(work.path('good.json'), recipe({}))
    const { code, stderr } = await work.quail('plan', 'good.json', '--rank', '4')
    expect([code, stderr]).toEqual([2, 'quail: good.json already says everything; --rank cannot change it\n'])
  })
})
