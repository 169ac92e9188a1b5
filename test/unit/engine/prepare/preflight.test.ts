import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { planRun, preflight } from '../../../../src/engine/plan/planRun'
import { memoryFindings } from '../../../../src/engine/plan/resources'
import type { PreflightRequest } from '../../../../src/shared/engineApi'
import { applyChanges, type Finding } from '../../../../src/shared/findings'
import type { Preflight } from '../../../../src/shared/plan'
import { Recipe } from '../../../../src/shared/recipe'
import { characterModel } from '../../../helpers/characterModel'
import {
  addTokenizer,
  configOf,
  copyCheckpoint,
  familyDirectory,
  tensorsOf,
  writeCheckpoint
} from '../../../helpers/checkpoints'
import { exportedBase } from '../../../helpers/exportedBase'
import { sampleModel, sampleText } from '../../../helpers/paths'
import { removedAfterTests } from '../../../helpers/removedAfter'
import { resolveText } from '../../../helpers/runs'

type Changes = Partial<Record<keyof Recipe, unknown>>

/** A sound recipe for the sample model, with changes. */
const recipeWith = (changes: Changes = {}): Recipe =>
  Recipe.parse({
    version: 1,
    model: sampleModel,
    calibration: { files: [sampleText('sotu-calibration.txt')] },
    evaluation: { files: [sampleText('sotu-evaluation.txt')], rows: 16 },
    variants: [{ method: 'quailora', rank: 16 }],
    ...changes
  })

const requestOf = (recipe: Recipe): PreflightRequest => ({
  recipe,
  calibration: (recipe.calibration.files ?? []).map((path) => resolveText(path)),
  evaluation: (recipe.evaluation?.files ?? []).map((path) => resolveText(path))
})

const check = (recipe: Recipe): Promise<Preflight> => preflight(requestOf(recipe))
const codesOf = ({ findings }: Preflight): string[] => findings.map(({ code }) => code)

async function findingIn(recipe: Recipe, code: string): Promise<Finding> {
  const found = (await check(recipe)).findings.find((finding) => finding.code === code)
  if (found === undefined) throw new Error(`no finding ${code}`)
  return found
}

/** The recipe after its finding was mended, which must be a recipe and free of that finding. */
async function mended(recipe: Recipe, { code, fix }: Finding): Promise<Recipe> {
  const changed = Recipe.parse(applyChanges(recipe, fix?.changes ?? []))
  expect(codesOf(await check(changed))).not.toContain(code)
  return changed
}

describe('the names of variants', () => {
  const named = (...names: (string | undefined)[]): Recipe =>
    recipeWith({ variants: names.map((name, i) => ({ name, method: 'svd', rank: 4 + i })) })

  it('lead to directories of their own, on every file system', async () => {
    expect(codesOf(await check(named('a', 'b', undefined)))).not.toContain('NAMES')
    expect((await findingIn(named('exact', 'Exact'), 'NAMES')).message).toMatch(
      /^two variants are named exact and Exact, /
    )
    const { message, severity } = await findingIn(named('a', 'a'), 'NAMES')
    expect([severity, message]).toEqual(['error', expect.stringMatching(/^two variants are named a, /)])
  })

  it('are told apart where nobody gave them, unless one was given what another is then named', async () => {
    const equal = (...names: (string | undefined)[]): Recipe =>
      recipeWith({ variants: names.map((name, i) => ({ name, method: 'svd', rank: 4, alpha: 4 + i })) })
    expect(codesOf(await check(equal(undefined, undefined)))).not.toContain('NAMES')
    const { message } = await findingIn(equal(undefined, undefined, 'svd-r4-a4-nf4-b64-dq'), 'NAMES')
    expect(message).toMatch(/^two variants are named svd-r4-a4-nf4-b64-dq, /)
  })
})

describe('a sound recipe', () => {
  it('has no finding', async () => {
    expect((await check(recipeWith())).findings).toEqual([])
  })

  it('has the same plan either way', async () => {
    const request = requestOf(recipeWith())
    expect((await preflight(request)).plan).toEqual(await planRun({ ...request, measure: false }))
  })
})

describe('a text model inside of another', () => {
  it('is said to be one, and that a trainer quantizes the rest too', async () => {
    const model = copyCheckpoint(familyDirectory('gemma3'))
    addTokenizer(model)
    const { severity, message } = await findingIn(recipeWith({ model }), 'TEXT_TOWER')
    expect(severity).toBe('info')
    expect(message).toBe(
      'text tower of gemma3 (gemma3_text): only the text tower is read, quantized and repaired; the other parts (vision ' +
        'tower, projector) are left alone, but a trainer quantizes their linears too, which changes nothing on texts'
    )
    rmSync(model, { recursive: true })
  })
})

describe('a model with experts', () => {
  const sound = { context: 16, calibration: { files: [sampleText('sotu-calibration.txt')], rows: 4 } }
  const variants = [{ method: 'exact', rank: 4 }]
  const removed = removedAfterTests()
  function modelOf(name: string): string {
    const model = removed(copyCheckpoint(familyDirectory(name)))
    addTokenizer(model)
    return model
  }

  it('is said to be one, with what stays in full precision and for which trainer that holds', async () => {
    const { severity, message } = await findingIn(
      recipeWith({ ...sound, variants, model: modelOf('mixtral') }),
      'EXPERTS'
    )
    expect(severity).toBe('warning')
    expect(message).toBe(
      '4 experts in a block, 2 for each token: experts and router (mlp.experts, mlp.gate of each block) stay in full ' +
        'precision, as transformers 5 with bitsandbytes leaves them, and only the other linears are quantized and ' +
        'repaired; transformers 4 quantizes experts and router too, as other trainers may: theirs is another base, whose ' +
        'perplexity was not measured'
    )
  })

  it('has no adapter where PEFT would put it beside experts, and says so', async () => {
    const model = modelOf('qwen3_moe')
    const { message } = await findingIn(recipeWith({ ...sound, variants, model }), 'UNREACHED')
    expect(message).toContain('3 linears (model.layers.0.mlp.gate_proj, …) are quantized, but not repaired')
    const { plan } = await check(recipeWith({ ...sound, variants, model }))
    expect([plan?.quantized.linears, plan?.variants[0]?.linears]).toEqual([11, 8])
    const asked = recipeWith({ ...sound, model, variants: [{ ...variants[0], targets: ['down_proj'] }] })
    expect((await findingIn(asked, 'TARGETS')).message).toContain('target down_proj matches no linear')
  })

  it('is not put on a base that holds experts quantized', async () => {
    const model = modelOf('mixtral')
    const out = removed(await exportedBase(model))
    const sound = recipeWith({ ...{ context: 16, variants }, model, base: out })
    expect(codesOf(await check(sound))).not.toContain('BASE')
    const expert = 'model.layers.0.block_sparse_moe.experts.0.w1.weight'
    const others = tensorsOf(out).filter(({ name }) => name !== expert)
    const quantized = others.flatMap((tensor) =>
      tensor.name.startsWith('model.layers.0.self_attn.q_proj.weight')
        ? [{ ...tensor, name: tensor.name.replace('model.layers.0.self_attn.q_proj.weight', expert) }]
        : []
    )
    const base = removed(writeCheckpoint(configOf(out), [...others, ...quantized]))
    expect((await findingIn({ ...sound, base }, 'BASE')).message).toBe(
      `the base ${base} holds ${expert} quantized; a base of transformers 5 keeps experts and router in full precision, and so does Quail`
    )
  })

  it('is put on no stored base where transformers would not load that', async () => {
    const model = modelOf('llama4_text-experts')
    const recipe = recipeWith({ ...{ context: 16, variants }, model, base: model })
    expect((await findingIn(recipe, 'BASE')).message).toContain(
      `the base ${model}: transformers loads no stored base of LLaMA 4 with experts`
    )
  })
})

describe('a preflight that takes long', () => {
  /** Texts of the sample that nobody tokenized before. */
  function newTexts(names: readonly string[], word: string, times = 1): string[] {
    const folder = mkdtempSync(join(tmpdir(), 'quail-new-'))
    const whole = readFileSync(sampleText('sotu-evaluation.txt'), 'utf8').slice(0, 40_000)
    return names.map((name, i) => {
      const path = join(folder, name)
      writeFileSync(path, whole.replaceAll('the', `${word}${i}`).repeat(times))
      return path
    })
  }

  /** What is told of a recipe's texts, without repetitions of the same. */
  async function toldOf(changes: Changes): Promise<[name: string | undefined, total: number | null][]> {
    const [first, second] = newTexts(['first.txt', 'second.txt'], String(changes.policy))
    const recipe = recipeWith({ calibration: { files: [first] }, evaluation: { files: [second] }, ...changes })
    const told: [string | undefined, number | null][] = []
    await preflight(requestOf(recipe), (_, total, text) => told.push([text?.name, total]))
    return told.filter((one, i) => one.join() !== told[i - 1]?.join())
  }

  it.each(['packed', 'padded'])('tells which text is tokenized, and how many bytes it has: %s', async (policy) => {
    const told = await toldOf({ policy })
    expect(told.map(([name]) => name)).toEqual(['first.txt', 'second.txt'])
    for (const [, total] of told) expect(total).toBeGreaterThan(40_000)
  })

  it('tells of a text that cannot be cut that no part of it is done before the whole', async () => {
    const model = copyCheckpoint(sampleModel)
    addTokenizer(model)
    const path = join(model, 'tokenizer.json')
    const before = readFileSync(path, 'utf8')
    writeFileSync(path, JSON.stringify({ ...JSON.parse(before), pre_tokenizer: null }))
    expect(await toldOf({ policy: 'packed', model })).toEqual([
      ['first.txt', null],
      ['second.txt', null]
    ])
  })

  it('tells a second one that waits for the same tokens, and nothing where they are known', async () => {
    const request = requestOf(recipeWith({ calibration: { files: newTexts(['long.txt'], 'both', 50) } }))
    const told: string[] = []
    const check = (name: string) =>
      preflight(request, (_, total, of) => void (of?.name === 'long.txt' && told.push(`${name} ${total}`)))
    await Promise.all([check('first'), check('second')])
    await check('third')
    const bytes = statSync(request.calibration[0]?.path as string).size
    expect([...new Set(told)].sort()).toEqual([`first ${bytes}`, `second ${bytes}`])
  })
})

describe('a tokenizer.json that AutoTokenizer of transformers 5 does not execute', () => {
  it('is a warning, with a text of which it makes other tokens', async () => {
    const model = mkdtempSync(join(tmpdir(), 'quail-rebuilt-'))
    for (const name of ['config.json', 'model.safetensors']) symlinkSync(join(sampleModel, name), join(model, name))
    const definition = JSON.parse(readFileSync(join(sampleModel, 'tokenizer.json'), 'utf8'))
    const bytes = { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true }
    writeFileSync(join(model, 'tokenizer.json'), JSON.stringify({ ...definition, pre_tokenizer: bytes }))
    writeFileSync(join(model, 'tokenizer_config.json'), JSON.stringify({ tokenizer_class: 'GPT2Tokenizer' }))
    const finding = await findingIn(recipeWith({ model }), 'TOKENIZER_REBUILT')
    expect(finding).toMatchObject({ severity: 'warning', subject: 'model' })
    expect(finding.message).toMatch(
      /transformers 5 builds GPT2Tokenizer .* other tokens of some texts, "Hello" for one/
    )
  })
})

describe('the token that the tokenizer puts before a text', () => {
  const packed = (family: string): Recipe => {
    const { model, text } = characterModel(family)
    const path = join(model, 'tokenizer.json')
    const definition = JSON.parse(readFileSync(path, 'utf8'))
    const single = [{ SpecialToken: { id: '~', type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }]
    const special_tokens = { '~': { id: '~', ids: [definition.model.vocab['~']], tokens: ['~'] } }
    const post_processor = { type: 'TemplateProcessing', single, pair: [...single, ...single.slice(1)], special_tokens }
    writeFileSync(path, JSON.stringify({ ...definition, post_processor }))
    writeFileSync(
      join(model, 'tokenizer_config.json'),
      JSON.stringify({ tokenizer_class: 'PreTrainedTokenizerFast', bos_token: '~' })
    )
    return recipeWith({ model, context: 32, calibration: { files: [text] }, evaluation: undefined })
  }

  it('is missed in packed rows by Gemma: padded ones have it', async () => {
    const recipe = packed('gemma2')
    const finding = await findingIn(recipe, 'NO_BEGIN')
    expect(finding.message).toMatch(/^packed rows lack ~, which the tokenizer puts before a text/)
    expect((await mended(recipe, finding)).policy).toBe('padded')
  })

  it('is not asked for where others hardly mind', async () => {
    expect(codesOf(await check(packed('llama')))).not.toContain('NO_BEGIN')
  })
})

describe('findings with a fix', () => {
  const removed = removedAfterTests()

  it('few tokens for the width: as many rows as give four times the channels', async () => {
    const recipe = recipeWith({ calibration: { files: [sampleText('sotu-calibration.txt')], rows: 2 } })
    const finding = await findingIn(recipe, 'FEW_TOKENS')
    expect(finding).toMatchObject({ severity: 'warning', subject: 'texts', fix: { label: 'Use 11 rows' } })
    expect(finding.message).toContain('512 calibration tokens are fewer than the widest input has channels (688)')
    expect((await mended(recipe, finding)).calibration.rows).toBe(11) // 11 · 256 ≥ 4 · 688
  })

  it('fewer tokens than is good: good to know', async () => {
    const recipe = recipeWith({ calibration: { files: [sampleText('sotu-calibration.txt')], rows: 4 } })
    expect(await findingIn(recipe, 'FEW_TOKENS')).toMatchObject({ severity: 'info', fix: { label: 'Use 11 rows' } })
  })

  it('few tokens to measure on: as many rows as predict four thousand', async () => {
    const recipe = recipeWith({ evaluation: { files: [sampleText('sotu-evaluation.txt')], rows: 4 } })
    const finding = await findingIn(recipe, 'FEW_EVALUATION_TOKENS')
    expect(finding).toMatchObject({ severity: 'warning', subject: 'texts', fix: { label: 'Evaluate 16 rows' } })
    expect(finding.message).toContain('(sotu-evaluation.txt: 1,020 predicted tokens in 4 rows)')
    expect((await mended(recipe, finding)).evaluation?.rows).toBe(16) // 16 · 255 ≥ 4,000
  })

  it('fewer rows than asked for: as many as there are', async () => {
    const recipe = recipeWith({ calibration: { files: [sampleText('sotu-calibration.txt')], rows: 100_000 } })
    const finding = await findingIn(recipe, 'FEW_ROWS')
    expect(finding.severity).toBe('info')
    const { calibration } = await mended(recipe, finding)
    expect(finding.message).toContain(
      `gives ${calibration.rows.toLocaleString('en')} rows of 256 tokens, 100,000 were asked for`
    )
  })

  it('fewer rows than asked for of one of several texts, though their sum is more: that one, by its name', async () => {
    const files = [sampleText('sotu-calibration.txt'), sampleText('moby-evaluation.txt')]
    const asking = (rows: number) => findingIn(recipeWith({ calibration: { files, rows } }), 'FEW_ROWS')
    const one = await asking(200)
    expect(one.message).toMatch(
      /^moby-evaluation\.txt gives 1\d\d rows of 256 tokens; 200 of each text were asked for$/
    )
    expect(one.fix).toBeUndefined() // fewer would be taken of the other text, too
    const both = await asking(100_000)
    expect(both.message).toMatch(
      /^sotu-calibration\.txt gives [\d,]+ rows of 256 tokens, moby-evaluation\.txt gives 1\d\d rows/
    )
    expect(both.fix?.label).toMatch(/^Ask for [\d,]+ rows$/)
  })

  it('samples that are longer than a row: how many are cut off, and how much of them', async () => {
    const text = join(removed(mkdtempSync(join(tmpdir(), 'quail-samples-'))), 'samples.txt')
    writeFileSync(text, ['short one', ...Array.from({ length: 3 }, () => 'of the people '.repeat(9))].join('\n\n'))
    const padded = { policy: 'padded', calibration: { files: [text], rows: 4 }, evaluation: { files: [text], rows: 1 } }
    const finding = await findingIn(recipeWith({ ...padded, context: 9 }), 'CUT_SAMPLES')
    expect(finding).toMatchObject({ severity: 'info', subject: 'texts' })
    expect(finding.message).toMatch(
      /^samples that are longer than the context of 9 tokens are cut off: calibration: 3 of 4 rows, \d\d\.\d % of the tokens$/
    )
    const mended = applyChanges(recipeWith({ ...padded, context: 9 }), finding.fix?.changes ?? []) as Recipe
    expect(finding.fix?.label).toBe(`Use ${mended.context} tokens`)
    // One token less would cut off again.
    expect(codesOf(await check(recipeWith({ ...padded, context: mended.context - 1 })))).toContain('CUT_SAMPLES')
    expect(codesOf(await check(mended))).not.toContain('CUT_SAMPLES')
  })

  it('a rank that vLLM does not serve: the largest that it does, each variant once', async () => {
    const variants = [16, 32, 64].map((rank) => ({ method: 'svd', rank }))
    const recipe = recipeWith({ variants })
    const finding = await findingIn(recipe, 'VLLM_RANK')
    expect(finding).toMatchObject({ severity: 'warning', message: expect.stringContaining('--max-lora-rank 64') })
    expect((await mended(recipe, finding)).variants.map(({ rank }) => rank)).toEqual([16])
    const between = await findingIn(recipeWith({ variants: [{ method: 'svd', rank: 24 }] }), 'VLLM_RANK')
    expect(between.message).toMatch(/^rank 24: .* unless started with --max-lora-rank 32$/) // it takes no 24
  })

  it('a target that matches nothing: the nearest name that exists', async () => {
    const recipe = recipeWith({ variants: [{ method: 'svd', targets: ['q_prj', 'v_proj'] }] })
    const finding = await findingIn(recipe, 'TARGETS')
    expect(finding).toEqual({
      code: 'TARGETS',
      severity: 'error',
      subject: 'variants',
      message:
        'target q_prj matches no linear (did you mean q_proj?); this model has q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj, down_proj',
      fix: expect.objectContaining({ label: 'Use q_proj' })
    })
    expect((await mended(recipe, finding)).variants[0]?.targets).toEqual(['q_proj', 'v_proj'])
  })

  it('a target that is like none: without it', async () => {
    const recipe = recipeWith({ variants: [{ method: 'svd', targets: ['query_key_value'] }] })
    const finding = await findingIn(recipe, 'TARGETS')
    expect((await mended(recipe, finding)).variants[0]?.targets).toBe('all-linear')
  })

  it('a rank above the shorter sides of all its layers: the largest of those', async () => {
    const recipe = recipeWith({ variants: [{ method: 'svd', rank: 300 }] })
    const finding = await findingIn(recipe, 'RANK')
    expect(finding).toMatchObject({ severity: 'error', fix: { label: 'Use rank 256' } })
    expect(finding.message).toMatch(/^rank is 300, but .* is \[256, 256\] and takes at most 256$/)
    // k_proj is [64, 256], and corrected as a whole.
    expect((await mended(recipe, finding)).variants[0]?.rank).toBe(256)
  })

  it('a context longer than the positions: as long as they are', async () => {
    const recipe = recipeWith({ context: 100_000 })
    const finding = await findingIn(recipe, 'CONTEXT')
    expect(finding.severity).toBe('error')
    expect((await check(recipe)).plan).toBeDefined()
    await mended(recipe, finding)
  })

  it('a block size that transformers does not have: the one that it has', async () => {
    const recipe = recipeWith({ variants: [{ method: 'svd', quantizer: { blockSize: 128 } }] })
    const finding = await findingIn(recipe, 'BLOCK_SIZE')
    expect(finding.severity).toBe('warning')
    expect((await mended(recipe, finding)).variants[0]?.quantizer.blockSize).toBe(64)
  })

  it('rank-stabilised scaling, which llama.cpp does not read: plain scaling', async () => {
    const recipe = recipeWith({ variants: [{ method: 'svd', rslora: true }] })
    const finding = await findingIn(recipe, 'RSLORA')
    expect(finding.severity).toBe('info')
    expect((await mended(recipe, finding)).variants[0]?.rslora).toBe(false)
  })

  it('int8 where trainers fail on it: four bits', async () => {
    const model = copyCheckpoint(familyDirectory('youtu'))
    addTokenizer(model)
    const variants = [{ method: 'svd', rank: 2, quantizer: { format: 'int8' } }]
    const recipe = recipeWith({ model, context: 16, variants })
    const finding = await findingIn(recipe, 'FAILS_IN_INT8')
    expect(finding).toMatchObject({ severity: 'warning', message: expect.stringMatching(/^int8: .*kv_b_proj/) })
    expect((await mended(recipe, finding)).variants[0]?.quantizer.format).toBe('nf4')
    rmSync(model, { recursive: true })
  })

  it('one variant twice: once', async () => {
    const recipe = recipeWith({ variants: [{ method: 'svd' }, { method: 'svd', name: 'again' }, { method: 'diag' }] })
    const finding = await findingIn(recipe, 'SAME_VARIANT')
    expect(finding.message).toMatch(/^again: the same/)
    expect((await mended(recipe, finding)).variants.map(({ method }) => method)).toEqual(['svd', 'diag'])
  })

  it('one text for both purposes: without it, or without evaluation', async () => {
    const both = sampleText('sotu-calibration.txt')
    const recipe = recipeWith({ evaluation: { files: [both, sampleText('sotu-evaluation.txt')] } })
    const finding = await findingIn(recipe, 'SAME_TEXT')
    expect(finding).toMatchObject({ severity: 'warning', fix: { label: 'Leave it out' } })
    expect((await mended(recipe, finding)).evaluation?.files).toEqual([sampleText('sotu-evaluation.txt')])
    const alone = recipeWith({ evaluation: { files: [both] } })
    expect((await mended(alone, await findingIn(alone, 'SAME_TEXT'))).evaluation).toBeUndefined()
  })

  it('evaluation rows that are calibrated on are told of another file, and not twice of the same', async () => {
    const both = sampleText('sotu-calibration.txt')
    const part = join(mkdtempSync(join(tmpdir(), 'quail-part-')), 'part.txt')
    writeFileSync(part, readFileSync(both, 'utf8').slice(0, 20_000))
    const evaluation = { files: [part, both, sampleText('sotu-evaluation.txt')], rows: 16 }
    const { findings } = await check(recipeWith({ evaluation, calibration: { files: [both], rows: 4096 } }))
    expect(findings.find(({ code }) => code === 'SHARED_ROWS')?.message).toMatch(
      /^evaluation rows that stand in the calibration rows too, .* \(16 of 16 rows of part\.txt\): /
    )
    expect(codesOf(await check(recipeWith()))).not.toContain('SHARED_ROWS')
  })

  it('a text that is too short: without it', async () => {
    const short = join(mkdtempSync(join(tmpdir(), 'quail-short-')), 'short.txt')
    writeFileSync(short, 'A few words.')
    const recipe = recipeWith({ calibration: { files: [sampleText('sotu-calibration.txt'), short] } })
    const finding = await findingIn(recipe, 'TEXT')
    expect(finding).toMatchObject({ severity: 'error', message: expect.stringContaining('short.txt has') })
    expect((await mended(recipe, finding)).calibration.files).toHaveLength(1)
  })

  it('too little memory: a smaller budget for hidden states', () => {
    const MiB = 2 ** 20
    const cost = { seconds: 1, peakMemoryBytes: 2000 * MiB, spoolBytes: 2000 * MiB, adapterBytes: 0 }
    const [finding] = memoryFindings(recipeWith(), cost, 1500 * MiB)
    expect(finding).toMatchObject({ code: 'MEMORY', severity: 'warning' })
    // 1,000 MiB are hidden states and 500 MiB are missing; budgets are multiples of 64 MiB.
    expect(finding?.fix?.changes).toEqual([{ path: ['memoryBudget'], value: 448 * MiB }])
    expect(memoryFindings(recipeWith(), cost, 900 * MiB)[0]?.fix).toBeUndefined()
    expect(memoryFindings(recipeWith(), cost, 2000 * MiB)).toEqual([])
    // A lack of less than half a MiB is one in the sentence, too.
    const lack = memoryFindings(recipeWith(), { ...cost, peakMemoryBytes: 2.3 * MiB }, 2.2 * MiB)
    expect(lack[0]?.message).toMatch(/^about 3 MiB of memory are needed, 2 MiB are free: /)
  })
})

describe('findings that only people can mend', () => {
  it('no evaluation text', async () => {
    expect(await findingIn(recipeWith({ evaluation: undefined }), 'NO_EVALUATION')).toEqual({
      code: 'NO_EVALUATION',
      severity: 'warning',
      subject: 'texts',
      message: 'no evaluation text: perplexity will not be measured'
    })
  })

  it('a model that cannot be read leaves no plan', async () => {
    const { findings, plan } = await check(recipeWith({ model: '/no/such/model' }))
    expect(plan).toBeUndefined()
    expect(findings).toEqual([
      { code: 'MODEL', severity: 'error', subject: 'model', message: expect.stringContaining('/no/such/model') }
    ])
  })

  // The file system of /proc has no room, and nothing is ever written there.
  it.skipIf(!existsSync('/proc/self'))('a disk that is too full, wherever the files would go', async () => {
    const diskFindings = async (spool: string, out: string) => {
      const { findings } = await preflight({ ...requestOf(recipeWith()), folders: { spool, out } })
      return findings.filter(({ code }) => code === 'DISK')
    }
    const roomy = join(tmpdir(), 'not', 'there', 'yet')
    expect(await diskFindings(roomy, roomy)).toEqual([])
    expect(await diskFindings('/proc/runs', roomy)).toMatchObject([
      {
        severity: 'error',
        subject: 'output',
        message: expect.stringMatching(/for hidden states, 0 MiB are free at \/proc/)
      }
    ])
    expect(await diskFindings(roomy, '/proc/a/b')).toMatchObject([{ message: expect.stringContaining('for adapters') }])
    expect(await diskFindings('/proc/runs', '/proc/a')).toMatchObject([
      { message: expect.stringContaining('for hidden states and adapters') }
    ])
  })

  it('everything at once, the worst first', async () => {
    const recipe = recipeWith({
      evaluation: undefined,
      calibration: { files: [sampleText('sotu-calibration.txt')], rows: 10_000 },
      context: 100_000,
      variants: [{ method: 'svd', rank: 300, targets: ['nothing', 'q_proj'] }]
    })
    const { findings } = await check(recipe)
    const codes = (severity: string) => findings.filter((f) => f.severity === severity).map(({ code }) => code)
    expect(codes('error')).toEqual(['CONTEXT', 'TARGETS', 'RANK'])
    expect(codes('warning')).toEqual(['VLLM_RANK', 'NO_EVALUATION'])
    expect(codes('info')).toEqual(['FEW_ROWS'])
    expect(findings.map(({ severity }) => severity)).toEqual([
      ...Array(3).fill('error'),
      ...Array(2).fill('warning'),
      'info'
    ])
  })
})

describe('what variants cost', () => {
  const methods = ['zero', 'svd', 'diag', 'quailora', 'exact'] as const
  const five = recipeWith({ variants: methods.map((method) => ({ method, rank: 16 })) })

  it('is little beside the run itself, and least for the one that changes nothing', async () => {
    const { plan } = await check(five)
    const extra = Object.fromEntries((plan?.variants ?? []).map(({ method, extraSeconds }) => [method, extraSeconds]))
    const total = plan?.seconds ?? 0
    for (const method of methods) {
      expect(extra[method], method).toBeGreaterThan(0)
      expect(extra[method], method).toBeLessThan(total / 2)
      if (method !== 'zero') expect(extra[method], method).toBeGreaterThan(extra.zero ?? 0)
    }
    expect(extra.quailora).toBeGreaterThan(extra.exact ?? 0)
  })

  it('is known for other choices without planning them one by one', async () => {
    const one = recipeWith({ variants: [{ method: 'svd', rank: 8 }] })
    const { alternatives } = await preflight({
      ...requestOf(one),
      alternatives: { five: five.variants, same: one.variants }
    })
    const planned = (await check(five)).plan
    expect(alternatives.five).toEqual({
      seconds: planned?.seconds,
      peakMemoryBytes: planned?.peakMemoryBytes,
      spoolBytes: planned?.spoolBytes,
      adapterBytes: planned?.adapterBytes
    })
    expect(alternatives.same?.seconds).toBe((await check(one)).plan?.seconds)
  })

  it('falls as the machine is faster', async () => {
    const request = requestOf(five)
    const slow = await preflight({ ...request, flopsPerSecond: 1e10 })
    const fast = await preflight({ ...request, flopsPerSecond: 1e12 })
    expect(slow.plan?.speed).toEqual({ flopsPerSecond: 1e10, measured: true })
    expect(slow.plan?.seconds).toBeGreaterThan(5 * (fast.plan?.seconds ?? 0))
  })
})

describe('a base with a config.json of its own', () => {
  it.each<[Record<string, unknown>, string | undefined]>([
    [{ max_position_embeddings: 4096, pad_token_id: 7, torch_dtype: 'float16' }, undefined],
    [{ rms_norm_eps: 1e-3 }, 'rms_norm_eps'],
    [{ rope_scaling: { rope_type: 'linear', factor: 2 } }, 'windows or rotary positions'],
    [{ hidden_act: 'unheard', rms_norm_eps: 1 }, 'what cannot be read (']
  ])('is named where it means something else than that of the model: %j', async (changes, said) => {
    const base = await exportedBase(sampleModel)
    const { rope_parameters: _, ...config } = configOf(base)
    const other = writeCheckpoint({ ...config, ...changes }, tensorsOf(base))
    const { findings } = await check(recipeWith({ base: other }))
    const messages = findings.flatMap(({ code, message }) => (code === 'OTHER_BASE' ? message : []))
    const expected = `has another config.json than the model in ${said}`
    expect(messages).toEqual(said === undefined ? [] : [expect.stringContaining(expected)])
  })
})
