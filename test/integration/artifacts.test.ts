import { readFileSync, statSync } from 'node:fs'
import { homedir, tmpdir, userInfo } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { planRun } from '../../src/engine/plan/planRun'
import { modelCard } from '../../src/engine/run/modelCard'
import type { Proof } from '../../src/engine/run/proof'
import { meanLossRemoved } from '../../src/shared/proof'
import { markdownText } from '../../src/shared/quoting'
import { readGoldenTensors } from '../helpers/goldenTensors'
import { sampleModel } from '../helpers/paths'
import { finishedOf, makeRun, runToEnd } from '../helpers/runs'

const run = makeRun({
  model: sampleModel,
  factorDtype: 'bfloat16',
  variants: [
    { method: 'svd', rank: 4, targets: ['q_proj', 'v_proj'] },
    { method: 'exact', rank: 8, alpha: 4, rslora: true }
  ]
})
const finished = runToEnd(run).then(finishedOf)
const variants = ['svd-r4', 'exact-r8']
const read = (variant: string, file: string): string => readFileSync(join(run.record.out, variant, file), 'utf8')
const frontMatter = (card: string): unknown => parse(card.split('---\n')[1] ?? '')

describe('a plan', () => {
  const { recipe, calibration, evaluation } = run.record
  const planned = planRun({ recipe, calibration, evaluation, measure: false })

  it('knows the model and the work from headers and texts alone', async () => {
    expect(await planned).toMatchObject({
      model: {
        family: 'llama',
        parameters: 3_819_776,
        bytes: statSync(join(sampleModel, 'model.safetensors')).size,
        dtypes: ['BF16'],
        loadedAs: 'BF16',
        blocks: 4,
        hiddenSize: 256,
        vocabularySize: 4096
      },
      quantized: { linears: 28, parameters: 4 * (2 * 256 * 256 + 2 * 64 * 256 + 3 * 688 * 256) },
      calibration: { rows: 8, tokens: 8 * 64 },
      evaluation: { rows: 4, tokens: 4 * 64 },
      variants: [
        { name: 'svd-r4', method: 'svd', rank: 4, scaling: 4, linears: 8, parameters: 4 * 4 * (256 + 256 + 64 + 256) },
        { name: 'exact-r8', method: 'exact', rank: 8, scaling: 4 / Math.sqrt(8), linears: 28 }
      ]
    })
  })

  it('says what the run, the proof and the card say: how much of the texts the calibration rows cover', async () => {
    const [covered] = (await planned).coverage
    const share = covered?.share as number
    expect(share).toBeGreaterThan(0)
    expect(share).toBeLessThan(1)
    const text = covered?.text as string
    expect((await finished).perplexity[text]?.coverage).toBe(share)
    const proof = JSON.parse(read('exact-r8', 'quail.json')) as Proof
    expect(proof.perplexity[text]?.coverage).toBe(share)
    expect(read('exact-r8', 'README.md')).toContain(
      ` rows, ${(100 * share).toFixed(1)} % of its tokens occur in the calibration rows`
    )
  })

  it('says to the byte how large the adapters become', async () => {
    await finished
    const bytes = variants.map((variant) =>
      [...readGoldenTensors(join(run.record.out, variant, 'adapter_model.safetensors')).values()].reduce(
        (sum, tensor) => sum + tensor.bytes.length,
        0
      )
    )
    expect((await planned).adapterBytes).toBe(bytes.reduce((sum, x) => sum + x, 0))
  })

  it('estimates time, memory and disk, and measures the machine when asked', async () => {
    const { seconds, flops, peakMemoryBytes, spoolBytes, adapterBytes } = await planned
    // Five streams of hidden states: calibration, and evaluation under four sets of weights; twice while a block is done.
    expect(spoolBytes).toBe(2 * 4 * 256 * 64 * (8 + 4 * 4) + adapterBytes)
    expect(peakMemoryBytes).toBeGreaterThan(100 * 2 ** 20)
    expect(flops).toBeGreaterThan(2 * 2_768_896 * (8 + 4 * 4) * 64) // the forward passes alone
    expect(seconds).toBeGreaterThan(0)
    const measured = await planRun({ recipe, calibration, evaluation, measure: true })
    expect(measured.flops).toBe(flops)
    expect(measured.seconds).toBeGreaterThan(0)
  })

  it('warns of few tokens', async () => {
    expect((await planned).findings).toContainEqual(
      expect.objectContaining({
        code: 'FEW_TOKENS',
        severity: 'warning',
        message: expect.stringMatching(/^512 calibration tokens are fewer than the widest input has channels \(688\)/)
      })
    )
  })
})

describe('what an adapter says of itself', () => {
  it('begins with front matter that is YAML', async () => {
    await finished
    const name = basename(sampleModel)
    for (const variant of variants) {
      expect(frontMatter(read(variant, 'README.md'))).toEqual({
        base_model: name,
        library_name: 'peft',
        pipeline_tag: 'text-generation',
        tags: [`base_model:adapter:${name}`, 'lora', 'quail', 'transformers']
      })
    }
  })

  it('stays YAML whatever the model is called', async () => {
    await finished
    const proof = JSON.parse(read('svd-r4', 'quail.json')) as Proof
    for (const name of ['my "model": #1', '- [x] {y}', 'näme\\with\tall: of, it', "it's", '@org/!tag &a *b']) {
      expect(frontMatter(modelCard({ ...proof, model: { ...proof.model, name } }))).toMatchObject({ base_model: name })
    }
  })

  it('loads a base that no trainer quantizes so from where a command writes it', async () => {
    await finished
    const proof = JSON.parse(read('svd-r4', 'quail.json')) as Proof
    const card = modelCard({ ...proof, fingerprint: { ...proof.fingerprint, blockSize: 128 } })
    expect(card).toMatch(/^ {4}quail export-base --model MODEL .* --block-size 128 .*--dtype bfloat16 --out BASE$/m)
    expect(card).toContain('from_pretrained("BASE", dtype=torch.bfloat16)\n')
    expect(card).not.toContain('BitsAndBytesConfig')
  })

  it('tells the mean of what is removed over the linears that have an error, as the run does', async () => {
    await finished
    const proof = JSON.parse(read('svd-r4', 'quail.json')) as Proof
    const none = { ...proof.layers[0], lossRank0: 0, loss: 0 } as Proof['layers'][number]
    const mean = /^Mean over (.*): (.*) of the calibrated error removed /m
    const card = modelCard({ ...proof, layers: [...proof.layers, none] })
    const share = `${(100 * meanLossRemoved(proof.layers)).toFixed(1)} %`
    expect(mean.exec(card)?.slice(1)).toEqual(['8 of 9 linears, those with an error', share])
    expect(mean.exec(modelCard(proof))?.slice(1)).toEqual(['8 linears', share])
    expect(modelCard({ ...proof, layers: [none] })).toContain('No linear has a calibrated error')
  })

  it('runs and shows nothing that stands in the name of the model', async () => {
    await finished
    const proof = JSON.parse(read('svd-r4', 'quail.json')) as Proof
    for (const name of ['x"); import os; os.abort() #', 'a\n```\n# b', '<img src=x onerror=alert(1)>', 'a\x1b[2Jb']) {
      const card = modelCard({ ...proof, model: { ...proof.model, name } })
      expect(frontMatter(card)).toMatchObject({ base_model: name })
      // JSON's strings of these are Python's: test/unit/shared/quoting.test.ts
      const [, loaded = ''] = /from_pretrained\((".*"), dtype=/.exec(card) ?? []
      expect(JSON.parse(loaded)).toBe(name)
      const [, heading = ''] = /^# LoRA initialization for (.*): svd, rank 4$/m.exec(card) ?? []
      expect(heading).toBe(markdownText(name))
      expect(card).not.toContain('\x1b')
    }
  })

  it('names no path, no user and no time', async () => {
    await finished
    const places = [tmpdir(), homedir(), dirname(sampleModel), run.folder, run.record.out].filter((at) => at.length > 1)
    for (const variant of variants) {
      for (const file of ['README.md', 'quail.json', 'adapter_config.json']) {
        // Only PEFT's config says where the base lies, as PEFT's own does.
        const whole = read(variant, file)
        const content = file === 'adapter_config.json' ? whole.replace(JSON.stringify(sampleModel), '') : whole
        expect(content.length < whole.length).toBe(file === 'adapter_config.json')
        for (const place of places) expect(content, file).not.toContain(place)
        // Anything else that looks like an absolute path.
        expect(content.match(/(?<![\w.:/])\/[\w.-]+\/[\w./-]+/g), file).toBeNull()
        expect(content).not.toMatch(/"[A-Za-z]:\\\\/)
        expect(content).not.toMatch(/\b20\d\d-\d\d-\d\dT/)
      }
      expect(Object.values(JSON.parse(read(variant, 'quail.json')).recipe)).not.toContain(userInfo().username)
    }
  })

  it('proves every linear with the errors of the stored factors', async () => {
    const { variants: results, perplexity } = await finished
    for (const [i, variant] of variants.entries()) {
      const proof = JSON.parse(read(variant, 'quail.json')) as Proof
      // The histogram and the channels are for the window; adapters stay small.
      expect(proof.layers).toEqual(results[i]?.layers.map(({ errors, channels, ...figures }) => figures))
      expect(proof.fingerprint.linears).toHaveLength(28)
      expect(proof.recipe).toMatchObject({ factorDtype: 'bfloat16', policy: 'packed', context: 64, device: 'cpu' })
      const [text] = Object.keys(perplexity)
      const { fullPrecision = 0, quantizers = {}, variants: adapted = {} } = perplexity[text as string] ?? {}
      for (const value of [fullPrecision, quantizers['nf4-b64-dq'], adapted[variant]]) {
        expect(value).toBeGreaterThan(1)
        expect(value).toBeLessThan(1000)
      }
      expect(proof.perplexity[text as string]?.adapter).toBe(perplexity[text as string]?.variants[variant])
      // Stored in bfloat16, so rounding to bfloat16 once more changes nothing.
      for (const { loss, lossBfloat16 } of proof.layers) expect(lossBfloat16).toBe(loss)
    }
  })
})
