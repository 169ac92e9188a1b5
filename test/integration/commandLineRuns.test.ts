import { createHash } from 'node:crypto'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { RunEvent } from '../../src/shared/runEvents'
import { addTokenizer, copyCheckpoint } from '../helpers/checkpoints'
import { jsonLines, type Started, Workplace } from '../helpers/commandLine'
import { narrowModel } from '../helpers/narrowModel'
import { sampleModel, sampleText } from '../helpers/paths'
import { textBeginning } from '../helpers/textBeginning'

interface ListedRun {
  id: string
  status: string
  out: string
}

interface FinishedLine {
  type: string
  status: string
  run: string
  perplexity: Record<
    string,
    { fullPrecision: number; quantizers: Record<string, number>; variants: Record<string, number> }
  >
  variants: { name: string; method: string; rank: number; adapter: string; layers: Record<string, unknown>[] }[]
  headline: unknown
}

/** Short rows of few tokens: a run takes seconds. */
const small = ['--context', '64', '--calibration-rows', '8', '--evaluation-rows', '4', '--rank', '4']

/** Writes a recipe whose texts lie beside it, which takes long enough to be interrupted. */
function writeRecipe(work: Workplace): void {
  mkdirSync(work.path('recipes', 'texts'), { recursive: true })
  cpSync(textBeginning('sotu-calibration.txt'), work.path('recipes', 'texts', 'train.txt'))
  const lines = [
    'version: 1',
    'name: interrupted',
    `model: ${narrowModel}`,
    'calibration: { files: [texts/train.txt], rows: 16 }',
    'context: 64',
    'variants:',
    '  - { method: quailora, rank: 4 }',
    '  - { method: zero, rank: 4, name: plain }'
  ]
  writeFileSync(work.path('recipes', 'recipe.yaml'), lines.join('\n'))
}

const runRecipe = (work: Workplace, out: string): Started =>
  work.start('run', 'recipes/recipe.yaml', '--out', out, '--json')

function digests(directory: string): Record<string, string> {
  const files = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  return Object.fromEntries(
    files
      .map((file) => join(file.parentPath, file.name))
      .sort()
      .map((path) => [path.slice(directory.length), createHash('sha256').update(readFileSync(path)).digest('hex')])
  )
}

async function statusOf(work: Workplace): Promise<ListedRun> {
  const [latest] = await work.json<ListedRun[]>('runs', 'list', '--json')
  if (latest === undefined) throw new Error('no run is listed')
  return latest
}

describe('quail init-lora', () => {
  const work = new Workplace()
  const evaluation = sampleText('moby-evaluation.txt')
  const args = ['--model', narrowModel, '--calibration', evaluation, '--evaluation', evaluation, ...small]

  it('prints events as JSON lines and ends with the promised finished object', async () => {
    const { code, stdout } = await work.quail('init-lora', ...args, '--method', 'zero,exact', '--out', 'two', '--json')
    expect(code).toBe(0)
    const lines = jsonLines(stdout)
    for (const line of lines) expect(RunEvent.safeParse(line).success).toBe(true)
    expect(lines.map(({ seq }) => seq)).toEqual(lines.map((_, i) => i))
    expect(lines.filter(({ type }) => type === 'finished')).toHaveLength(1)
    // A text that is calibrated on is told of as a whole, by the plan, and not again row by row.
    expect(lines.filter(({ code }) => code === 'SHARED_ROWS')).toEqual([])
    const finished = lines.at(-1) as unknown as FinishedLine
    expect(Object.keys(finished).slice(0, 5)).toEqual(['type', 'status', 'run', 'perplexity', 'variants'])
    expect(finished.headline).toMatchObject({ text: 'moby-evaluation.txt', results: [{ quantizer: 'nf4-b64-dq' }] })
    expect(finished.status).toBe('completed')
    const { fullPrecision, quantizers, variants } = finished.perplexity['moby-evaluation.txt']!
    const quantized = quantizers['nf4-b64-dq']!
    // Over so few tokens the quantized model may be the better one by chance.
    expect(Math.min(fullPrecision, quantized)).toBeGreaterThan(1)
    expect(quantized).not.toBe(fullPrecision)
    expect(Object.keys(variants)).toEqual(['zero-r4', 'exact-r4'])
    // lora_B of zero is 0, so its model is the quantized one; sums of float32 in another order differ in the last digits.
    expect(variants['zero-r4']! / quantized).toBeCloseTo(1, 5)
    expect(finished.variants.map(({ name, method, rank }) => [name, method, rank])).toEqual([
      ['zero-r4', 'zero', 4],
      ['exact-r4', 'exact', 4]
    ])
    for (const { adapter, layers } of finished.variants) {
      expect(existsSync(join(adapter, 'adapter_model.safetensors'))).toBe(true)
      expect(layers).toHaveLength(28)
      expect(layers[0]).toMatchObject({
        name: 'model.layers.0.self_attn.q_proj',
        lossRank0: expect.any(Number),
        loss: expect.any(Number),
        certificate: expect.any(Number)
      })
    }
    expect(finished.variants[1]?.adapter).toBe(work.path('two', 'exact-r4'))
  })

  it('lists the run as one array, shows it, and verifies its adapter', async () => {
    const run = await statusOf(work)
    expect(run).toMatchObject({ status: 'completed', out: work.path('two') })
    const shown = await work.quail('runs', 'show', run.id.slice(0, -1))
    expect(shown.stdout).toMatch(/exact-r4/)
    expect(shown.stdout).toMatch(/full precision/)
    const verified = await work.quail('verify', 'two/exact-r4', '--model', narrowModel)
    expect([verified.code, verified.stdout]).toEqual([0, expect.stringMatching(/the adapter fits/)])
    const named = await work.quail('verify', 'two/exact-r4') // on the base that adapter_config.json names
    expect([named.code, named.stdout]).toEqual([0, verified.stdout])
  })

  it('shows a completed run again when it is asked to resume it', async () => {
    const { id } = await statusOf(work)
    const { code, stdout } = await work.quail('resume', id, '--json')
    expect(code).toBe(0)
    expect(jsonLines(stdout).at(-1)).toMatchObject({ type: 'finished', status: 'completed', run: id })
  })

  it('offers no resume for a run whose numbers can only fail again', async () => {
    const model = copyCheckpoint(narrowModel, (tensor) => {
      // 1.7e38 everywhere: finite, but not for long.
      const data = new Uint8Array(new Uint16Array(tensor.data.length / 2).fill(0x7f00).buffer)
      return tensor.name === 'model.layers.1.mlp.up_proj.weight' ? { ...tensor, data } : tensor
    })
    addTokenizer(model)
    const own = new Workplace()
    const run = ['--model', model, '--calibration', textBeginning('sotu-calibration.txt'), ...small, '--method', 'svd']
    const { code, stderr } = await own.quail('init-lora', ...run, '--out', 'out')
    expect(code).toBe(1)
    expect(stderr).toMatch(/^run (\S+) failed and is kept; it would meet the same values again/m)
    expect(stderr).not.toContain('quail resume')
    const [{ id }] = JSON.parse((await own.quail('runs', 'list', '--json')).stdout) as [ListedRun]
    const shown = await own.quail('runs', 'show', id)
    expect(shown.stdout).toContain('The run cannot go on: it would meet the same values again: mend what is named')
    expect(shown.stdout).not.toContain('quail resume')
    const resumed = await own.quail('resume', id)
    expect(resumed.code).toBe(2)
    expect(resumed.stderr).toMatch(/^quail: run \S+ failed and cannot go on: .*activations must be finite.*mend/m)
    rmSync(model, { recursive: true })
  })

  it('writes a single adapter to the output directory itself, and ends with a table for people', async () => {
    const { code, stdout, stderr } = await work.quail('init-lora', ...args, '--method', 'svd', '--out', 'one')
    expect(code).toBe(0)
    expect(readdirSync(work.path('one'))).toContain('adapter_config.json')
    const gap = String.raw`(-?[\d.]+ ± [\d.]+ %|no gap|unclear)`
    const line = String.raw`^svd-r4 +[\d,.]+ ± [\d,.]+ +${gap} +0\.\d+ ± 0\.\d+ +[\d.]+ ± [\d.]+ %$`
    expect(stdout).toMatch(new RegExp(line, 'm'))
    expect(stdout).toMatch(/^svd-r4 +-?[\d.]+ %$/m)
    expect(stdout).toContain('bnb_4bit_use_double_quant=True')
    expect(stderr).toMatch(/^block 4 of 4 in /m)
    expect(stdout + stderr).not.toContain('\x1b')
  })

  it('says nothing with --quiet', async () => {
    const { code, stdout, stderr } = await work.quail('init-lora', ...args, '--out', 'silent', '--quiet')
    expect([code, stdout, stderr]).toEqual([0, '', ''])
  })

  it('forgets a deleted run and leaves its adapters alone', async () => {
    const before = digests(work.path('silent'))
    const { id } = await statusOf(work)
    expect((await work.quail('runs', 'delete', id)).code).toBe(0)
    expect((await work.json<ListedRun[]>('runs', 'list', '--json')).map((run) => run.id)).not.toContain(id)
    expect(existsSync(join(work.home, 'runs', id))).toBe(false)
    expect(digests(work.path('silent'))).toEqual(before)
  })

  it('makes the database anew from the run folders, which a missing one names', async () => {
    const before = await work.json<ListedRun[]>('runs', 'list', '--json')
    for (const file of readdirSync(work.home)) if (file.startsWith('quail.db')) rmSync(join(work.home, file))
    const folders = before.length === 1 ? '1 run folder' : `${before.length} run folders`
    const offered = `No run is in the database, but ${folders} beside it; "quail runs rebuild" takes them in.`
    expect((await work.quail('runs')).stdout.trim()).toBe(offered)
    const { code, stderr } = await work.quail('runs', 'rebuild')
    expect([code, stderr]).toEqual([0, ''])
    const ids = (runs: ListedRun[]) => runs.map(({ id, status, out }) => ({ id, status, out }))
    expect(ids(await work.json<ListedRun[]>('runs', 'list', '--json'))).toEqual(ids(before))
  })
})

describe('quail plan and quail inspect', () => {
  const work = new Workplace()

  it('tell what a run needs without making one', async () => {
    const args = ['plan', '--model', narrowModel, '--calibration', sampleText('moby-evaluation.txt'), ...small]
    const plan = await work.json<{ model: object; variants: object[]; seconds: number }>(...args, '--json')
    expect(plan.model).toMatchObject({ family: 'llama', blocks: 4 })
    expect(plan.variants).toHaveLength(1)
    expect(plan.seconds).toBeGreaterThan(0)
    expect((await work.quail(...args)).stdout).toMatch(/^time +about /m)
    expect(await work.json('runs', 'list', '--json')).toEqual([])
  })

  it('tell what a checkpoint holds', async () => {
    const { code, stdout } = await work.quail('inspect', sampleModel, '--tensors')
    expect(code).toBe(0)
    expect(stdout).toContain('Quail can prepare this checkpoint.')
    expect(stdout).toMatch(
      /^model\.layers\.0\.self_attn\.q_proj\.weight +BF16 +\[256, 256\] +quantized +model\.safetensors$/m
    )
  })
})

describe('a run that does not reach its end', () => {
  const work = new Workplace()
  writeRecipe(work)

  it('ends at once by Ctrl-C, or by another, whatever it is at', async () => {
    // A template that keeps the engine's thread busy for minutes: half of what one conversation may do, for each of many.
    const model = work.path('slow')
    cpSync(narrowModel, model, { recursive: true })
    const template = '{% for i in range(2000) %}{% for j in range(1000) %}{% endfor %}{% endfor %}x'
    writeFileSync(join(model, 'chat_template.jinja'), template)
    const turns = [{ role: 'user', content: 'a' }]
    writeFileSync(work.path('chats.jsonl'), `${JSON.stringify({ messages: turns })}\n`.repeat(500))
    expect((await work.quail('calibration', 'import', work.path('chats.jsonl'), '--name', 'chats')).code).toBe(0)
    const busy = work.start('plan', '--model', model, '--calibration', 'set:chats', '--policy', 'padded')
    await expect.poll(() => existsSync(join(work.home, 'quail.db-wal'))).toBe(true) // it has begun
    busy.child.kill('SIGINT')
    // Before anything was begun that it has to end, the first is enough.
    await Promise.race([busy.waitFor('once more stops at once').catch(() => undefined), busy.ended])
    busy.child.kill('SIGINT')
    const { code } = await busy.ended
    // The first may have been enough already: nothing waits for a helper that tokenizes.
    expect(code === 130 || busy.child.signalCode === 'SIGINT').toBe(true)
  })

  it('is cancelled by Ctrl-C, killed, resumed, and gives the same bytes', async () => {
    const whole = await runRecipe(work, 'whole').ended
    expect(whole.code).toBe(0)
    const expected = digests(work.path('whole'))
    expect(Object.keys(expected)).toContain('/plain/adapter_model.safetensors')

    const cancelled = runRecipe(work, 'parts')
    await cancelled.waitFor('"type":"blockFinished"')
    cancelled.child.kill('SIGINT')
    const ended = await cancelled.ended
    expect(ended.code).toBe(130)
    const { id, status } = await statusOf(work)
    expect(status).toBe('cancelled')
    expect(jsonLines(ended.stdout).at(-1)).toMatchObject({ type: 'finished', status: 'cancelled', run: id })
    expect(ended.stderr).toContain(`quail resume ${id}`)
    expect(existsSync(work.path('parts'))).toBe(false)

    const killed = work.start('resume', id, '--json')
    await killed.waitFor('"type":"blockFinished"')
    killed.child.kill('SIGKILL')
    await killed.ended
    expect(await statusOf(work)).toMatchObject({ id, status: 'interrupted' })

    const resumed = work.start('resume', id, '--json')
    await resumed.waitFor('"type":"planned"')
    expect(await statusOf(work)).toMatchObject({ id, status: 'running' })
    resumed.child.kill('SIGSTOP') // it must not be done before the others have asked
    const second = await work.quail('resume', id)
    const deleted = await work.quail('runs', 'delete', id)
    resumed.child.kill('SIGCONT')
    expect([second.code, second.stderr]).toEqual([1, expect.stringMatching(/another process is working on run/)])
    expect([deleted.code, deleted.stderr]).toEqual([1, expect.stringMatching(/another process is working on run/)])
    const done = await resumed.ended
    expect(done.code).toBe(0)
    const planned = jsonLines(done.stdout).find(({ type }) => type === 'planned')
    expect(planned?.resumedBlocks).toBeGreaterThan(0)
    expect(await statusOf(work)).toMatchObject({ id, status: 'completed' })
    expect(digests(work.path('parts'))).toEqual(expected)

    // Elsewhere, as for a directory that cannot be written any more.
    const moved = runRecipe(work, 'first')
    await moved.waitFor('"type":"blockFinished"')
    moved.child.kill('SIGINT')
    await moved.ended
    const other = (await statusOf(work)).id
    const taken = await work.quail('resume', other, '--out', work.path('parts'))
    expect([taken.code, taken.stderr]).toEqual([2, expect.stringContaining('is not empty')])
    expect((await work.quail('resume', other, '--out', work.path('elsewhere'), '--quiet')).code).toBe(0)
    expect(existsSync(work.path('first'))).toBe(false)
    expect(digests(work.path('elsewhere'))).toEqual(expected)
    expect(await statusOf(work)).toMatchObject({ id: other, status: 'completed', out: work.path('elsewhere') })
    const late = await work.quail('resume', other, '--out', work.path('late'))
    expect([late.code, late.stderr]).toEqual([2, expect.stringContaining('quail export copies its adapters')])
  })
})

it('keeps second moments for later runs, says so in plans, and lets go of them', async () => {
  const work = new Workplace()
  const options = ['--model', sampleModel, '--calibration', sampleText('moby-evaluation.txt'), ...small]
  const planned = async (...more: string[]) => {
    const { moments } = await work.json<{ moments?: { state: string } }>('plan', ...options, ...more, '--json')
    return moments?.state
  }
  const kept = async () => (await work.json<{ sets: { complete: boolean }[] }>('moments', 'list', '--json')).sets
  expect(await planned()).toBe('kept')
  expect((await work.quail('init-lora', ...options, '--method', 'zero', '--out', 'first', '--quiet')).code).toBe(0)
  expect(await kept()).toMatchObject([{ complete: true }])
  // Models and times are written as in the list of runs.
  expect((await work.quail('moments', 'list')).stdout).toMatch(
    /^model .* used\n.*\nsample model {2}moby-evaluation\.txt .* \d{4}-\d\d-\d\d \d\d:\d\d\n/
  )
  expect(await planned()).toBe('used')
  expect(await planned('--no-kept-moments')).toBeUndefined()
  expect((await work.quail('moments', 'limit', '1MiB')).code).toBe(0)
  expect(await kept()).toEqual([])
  expect(await planned()).toBe('tooLarge')
  expect((await work.quail('moments', 'limit', 'much')).stderr).toMatch(/the limit is "much"; a size such as 20GiB/)
})

/** The environment of a command in which this code runs first. */
const preloaded = (code: string) => ({
  NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(code)}`
})

it.each(['SIGTERM', 'SIGINT'] as const)(
  'ends by %s in one long step of its own, where no signal is heard',
  async (signal) => {
    const work = new Workplace()
    // A parser that never returns from what it reads.
    const stuck = `
    const { parse } = JSON
    JSON.parse = (text, ...rest) => {
      if (!text.includes('never read')) return parse(text, ...rest)
      process.stderr.write('stuck')
      for (;;);
    }`
    writeFileSync(work.path('stuck.json'), '{"model": "never read"}')
    const busy = work.startWith(preloaded(stuck), 'plan', 'stuck.json')
    await busy.waitFor('stuck')
    busy.child.kill(signal)
    await busy.ended
    expect(busy.child.signalCode).toBe(signal)
  }
)

it.each(['SIGTERM', 'SIGINT'] as const)(
  'ends by %s, twice, in one long step after it began to listen',
  async (signal) => {
    const work = new Workplace()
    // Checks of a plan that never end: by then the wish to stop is listened for.
    const stuck = `
    const { stringify } = JSON
    JSON.stringify = (value, ...rest) => {
      if (value?.variants === undefined || value.seconds === undefined) return stringify(value, ...rest)
      process.stderr.write('stuck')
      for (;;);
    }`
    const texts = ['--calibration', sampleText('moby-evaluation.txt')]
    const busy = work.startWith(preloaded(stuck), 'plan', '--model', narrowModel, ...texts, ...small, '--json')
    await busy.waitFor('stuck')
    busy.child.kill(signal)
    await busy.waitFor('once more stops at once')
    busy.child.kill(signal)
    await busy.ended
    expect(busy.child.signalCode).toBe(signal)
  }
)
