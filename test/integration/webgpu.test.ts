import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { closeSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { InferenceSession } from 'onnxruntime-node'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { ModelArchitecture } from '../../src/engine/models/architecture'
import {
  expertBackwardGraph,
  expertGraph,
  expertSumBackwardGraph,
  expertSumGraph
} from '../../src/engine/models/expertGraphs'
import {
  backwardGraph,
  blockGraph,
  curvatureGraph,
  finalNormBackwardGraph,
  finalNormGraph,
  vocabularyTileGraph
} from '../../src/engine/models/modelGraphs'
import { readArchitecture } from '../../src/engine/models/registry'
import { seededRandom } from '../../src/engine/numerics/random'
import { preflight } from '../../src/engine/plan/planRun'
import { quantizer as int8 } from '../../src/engine/quantizers/formats/int8'
import { applyChanges } from '../../src/shared/findings'
import type { RunEventDraft } from '../../src/shared/runEvents'
import { JournalEntry } from '../../src/shared/runFolder'
import { hiddenStates, openAdaptedBlocks, uniform } from '../helpers/adaptedBlock'
import { characterModel } from '../helpers/characterModel'
import { computeBlocks, configOf, familyDirectory, smallModel } from '../helpers/checkpoints'
import { isThere, watchGraphs } from '../helpers/deviceBus'
import { exportedBase } from '../helpers/exportedBase'
import { sampleText } from '../helpers/paths'
import { finishedOf, makeRun, runToEnd, type TestRun } from '../helpers/runs'
import { webgpuDevice } from '../helpers/webgpuDevice'

const { device: webgpu, missing } = await webgpuDevice('the tests of webgpu')

const families = readdirSync(dirname(familyDirectory('llama')), { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name)

/** Software takes minutes for all of them: `QUAIL_WEBGPU=all` asks for that. */
const differentiated = process.env.QUAIL_WEBGPU === 'all' ? families : ['gpt_neox', 'gemma2', 'lfm2']

const norm = (values: ArrayLike<number>): number =>
  Math.sqrt(Array.from(values).reduce((sum, value) => sum + value * value, 0))
const distance = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  norm(Array.from(a, (value, i) => value - (b[i] as number))) / norm(a)

/*
 * Both devices compute in float32. Shaders may contract and reorder sums and have exponentials of their own, good to a few
 * units in the last place; over two blocks that stays below 1e-5, and a wrong operator is off by far more than 1e-4.
 */
const TOLERANCE = 1e-4

/** Every linear has an adapter, and inputs are rounded. */
function adaptedForm(architecture: ModelArchitecture, index: number) {
  const { linears } = blockGraph(architecture, index, 16)
  return { roundInputs: int8.roundInputs, adapted: new Set(linears.map(({ name }) => name)) }
}

const headGraphs = (architecture: ModelArchitecture): Uint8Array[] =>
  (['full', 'compared'] as const).map((subject) => vocabularyTileGraph(architecture, subject))

/** Everything that is computed of a block: with second moments, under an adapter, its gradients, and its experts. */
function graphsOfBlock(architecture: ModelArchitecture, index: number): Uint8Array[] {
  const { experts } = blockGraph(architecture, index, 16)
  const form = adaptedForm(architecture, index)
  const graphs = [
    blockGraph(architecture, index, 16, 'alone'),
    blockGraph(architecture, index, 16, undefined, form),
    backwardGraph(architecture, index, 16, form),
    curvatureGraph(architecture, index, 16)
  ]
  const within = graphs.flatMap((graph) => (graph.within === undefined ? [] : Object.values(graph.within)))
  const buildings = [expertGraph, expertBackwardGraph, expertSumGraph, expertSumBackwardGraph]
  const ofExperts = experts === undefined ? [] : buildings.map((build) => build(experts))
  return [...graphs, ...within].map(({ model }) => model).concat(ofExperts)
}

function graphsOf(architecture: ModelArchitecture): Uint8Array[] {
  const blocks = Array.from({ length: architecture.blocks }, (_, index) => graphsOfBlock(architecture, index))
  const norms = [finalNormGraph(architecture), finalNormBackwardGraph(architecture)].map(({ model }) => model)
  return [...blocks.flat(), ...norms, ...headGraphs(architecture)]
}

/** Prints what the runtime would compute on the processor of each graph in a folder; only its log tells. */
const PLACES = `
  const { readdirSync } = require('node:fs')
  const { InferenceSession } = require('onnxruntime-node')
  const [folder] = process.argv.slice(1)
  void (async () => {
    for (const name of readdirSync(folder).sort()) {
      process.stderr.write('GRAPH ' + name + '\\n')
      const log = { logSeverityLevel: 0, logVerbosityLevel: 1 }
      // Threads, of which a session starts its own, take half of the time; nothing is computed.
      const options = { executionProviders: ['webgpu'], intraOpNumThreads: 1, ...log }
      await (await InferenceSession.create(folder + '/' + name, options)).release()
    }
  })()`

/** What is printed of each graph in a folder, which is removed. */
function placesOf(folder: string): string[] {
  // A file: the runtime gives its log up when a pipe is full.
  const log = `${folder}.log`
  const out = openSync(log, 'w')
  const { status } = spawnSync(process.execPath, ['-e', PLACES, folder], { stdio: ['ignore', 'ignore', out] })
  closeSync(out)
  const [, ...told] = readFileSync(log, 'utf8').split(/^GRAPH /m)
  for (const path of [folder, log]) rmSync(path, { recursive: true })
  expect(status).toBe(0)
  return told
}

afterEach(() => vi.restoreAllMocks())

/** The fingerprints of every linear's codes under every quantizer, block by block. */
const codesOf = ({ folder }: TestRun) =>
  readFileSync(join(folder, 'journal.jsonl'), 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JournalEntry.parse(JSON.parse(line)))
    .flatMap((entry) => (entry.pass === 'solve' ? [entry.fingerprints] : []))

/** The losses of every linear, without adapter and with each. */
const lossesOf = (events: readonly RunEventDraft[]) =>
  new Map(
    events.flatMap((event) =>
      event.type !== 'layerFinished'
        ? []
        : event.results.flatMap(({ variant, result: { lossRank0, loss } }) => [
            [`${event.layer} under ${variant}, without it`, lossRank0] as const,
            [`${event.layer} under ${variant}`, loss] as const
          ])
    )
  )

/** The operators that one of the two gets of a graph, by what `PLACES` printed of it. */
function placedOn(provider: string, printed: string): string[] {
  const placed = printed.split('placed on [').find((part) => part.startsWith(provider)) ?? ''
  return [...placed.matchAll(/IsAssignedToAnEp\] +(\w+) \(/g)].map(([, type]) => type as string)
}

describe.skipIf(missing !== undefined)('webgpu', () => {
  it.each(['llama', 'llama-tied-bias', 'gpt_neox', 'gpt_neox-sequential', 'bloom', 'gemma2', 'phi3-partial'])(
    'computes the blocks of %s as the processor does',
    async (family) => {
      const directory = familyDirectory(family)
      const random = seededRandom('webgpu', family)
      const vocabulary = configOf(directory).vocab_size as number
      const ids = Int32Array.from({ length: 2 * 16 }, () => Math.floor(vocabulary * random()))
      const rows = { ids, lengths: [16, 11], context: 16 }
      const cpu = await computeBlocks(directory, rows, 'cpu')
      const own = await computeBlocks(directory, rows, 'webgpu')
      for (const [block, states] of cpu.hidden.entries()) {
        expect(distance(states, own.hidden[block] as Float32Array), `hidden ${block}`).toBeLessThan(TOLERANCE)
      }
      for (const [linear, H] of cpu.moments) {
        expect(distance(H, own.moments.get(linear) as Float64Array), linear).toBeLessThan(TOLERANCE)
      }
    }
  )

  it.each(differentiated)('differentiates the blocks of %s as the processor does', async (family) => {
    const gradientsOn = async (device: 'cpu' | 'webgpu') => {
      const opened = await openAdaptedBlocks(familyDirectory(family), { device, context: 8, rank: 4 })
      const { architecture, context, runner } = opened
      const hidden = hiddenStates(architecture, context, 0)
      const seed = uniform(hidden.length, 1, 'seed')
      const real = new Float32Array(2 * context).fill(1)
      const gradients = await runner.backward(0, hidden, seed, real, await opened.adapted(0))
      await opened.close()
      return gradients
    }
    const [cpu, own] = [await gradientsOn('cpu'), await gradientsOn('webgpu')]
    expect(distance(cpu.hidden, own.hidden)).toBeLessThan(TOLERANCE)
    expect(cpu.adapters.size).toBeGreaterThan(0)
    for (const [name, { A, B }] of cpu.adapters) {
      expect(distance(A, own.adapters.get(name)?.A ?? []), name).toBeLessThan(TOLERANCE)
      expect(distance(B, own.adapters.get(name)?.B ?? []), name).toBeLessThan(TOLERANCE)
    }
  })

  // The runtime would quietly put an operator that the device lacks on the processor, and copy back and forth.
  it.each(families)('has every operator of %s', async (family) => {
    const architecture = readArchitecture(configOf(familyDirectory(family)), 'config.json')
    const form = adaptedForm(architecture, 0)
    const graphs = [
      blockGraph(architecture, 0, 16, 'alone'),
      blockGraph(architecture, 0, 16, undefined, form),
      finalNormGraph(architecture, form)
    ].map(({ model }) => model)
    const { experts } = blockGraph(architecture, 0, 16)
    // Other graphs gather sizes alone, on the processor.
    const ofExperts = experts === undefined ? [] : [expertSumGraph(experts)]
    for (const model of [...graphs, ...ofExperts, ...headGraphs(architecture)]) {
      const session = await InferenceSession.create(model, {
        executionProviders: ['webgpu'],
        intraOpNumThreads: 1,
        extra: { session: { disable_cpu_ep_fallback: '1' } },
        logSeverityLevel: 3
      })
      await session.release()
    }
  })

  // Gradients, and some later blocks, reckon with shapes, which the processor does.
  it('has every operator of every block, forward and back: the processor gets nothing but sizes', () => {
    const folder = mkdtempSync(join(tmpdir(), 'quail-graphs-'))
    const seen = new Set<string>() // what is the same for several blocks or families has the same bytes
    for (const family of families) {
      const models = graphsOf(readArchitecture(configOf(familyDirectory(family)), 'config.json'))
      for (const [i, model] of models.entries()) {
        const digest = createHash('sha256').update(model).digest('hex')
        if (!seen.has(digest)) writeFileSync(join(folder, `${family}.${i}`), model)
        seen.add(digest)
      }
    }
    const graphs = readdirSync(folder)
    const told = placesOf(folder)
    expect(told.length).toBe(graphs.length)
    // What the device has it computes, but for the integers of shapes, some of which are gathered.
    const known = new Set(['Gather', ...told.flatMap((printed) => placedOn('WebGpuExecutionProvider', printed))])
    expect(known.has('Gemm') && known.has('Where')).toBe(true)
    const lacking = told.flatMap((printed) => {
      const [name] = printed.split('\n', 1)
      const others = placedOn('CPUExecutionProvider', printed).filter((type) => !known.has(type))
      return others.map((type) => `${name}: ${type}`)
    })
    expect(lacking).toEqual([])
  })

  it('is told of where it is software in the place of a card, with the processor to take instead', async () => {
    const { record } = makeRun({ device: 'webgpu', context: 32 })
    const { recipe, calibration, evaluation } = record
    const { findings } = await preflight({ recipe, calibration, evaluation })
    const found = findings.filter(({ subject }) => subject === 'device')
    expect(found.map(({ code }) => code)).toEqual(webgpu?.software === true ? ['SOFTWARE_DEVICE'] : [])
    for (const { fix } of found) expect(applyChanges(recipe, fix?.changes ?? [])).toMatchObject({ device: 'cpu' })
  })

  it('gives a run on nf4 and int8 the codes, losses and perplexities that the processor gives it', async () => {
    const model = smallModel()
    const results = async (device: string) => {
      const calibration = { files: [sampleText('moby-evaluation.txt')], rows: 4 }
      const variants = (['nf4', 'int8'] as const).map((format) => ({
        name: `exact-${format}`,
        method: 'exact',
        rank: 4,
        quantizer: { format }
      }))
      const run = makeRun({ model, device, calibration, context: 32, variants })
      const events = await runToEnd(run)
      const { status, error, perplexity } = finishedOf(events)
      expect(error).toBeUndefined()
      expect(status).toBe('completed')
      const [text] = Object.values(perplexity)
      const perplexities = { full: text?.fullPrecision, ...text?.quantizers, ...text?.variants }
      return { codes: codesOf(run), losses: lossesOf(events), perplexities: perplexities as Record<string, number> }
    }
    const { left } = watchGraphs()
    const [cpu, own] = [await results('cpu'), await results('webgpu')]
    rmSync(model, { recursive: true })
    // Quantized there, and nothing of it is kept.
    expect(left.filter(({ graph }) => graph.startsWith('codes ')).length).toBeGreaterThan(0)
    const uploads = left.filter(({ graph }) => graph === 'upload').length
    expect(uploads).toBeGreaterThan(0)
    expect(left.filter(({ tensor }) => isThere(tensor))).toEqual([])
    expect(cpu.codes.length).toBeGreaterThan(0)
    expect(own.codes).toEqual(cpu.codes)
    // Float32 states that differ by some units in the last place, and their squares.
    expect(cpu.losses.size).toBeGreaterThan(0)
    expect([...own.losses.keys()]).toEqual([...cpu.losses.keys()])
    for (const [name, value] of cpu.losses)
      expect(Math.abs((own.losses.get(name) as number) / value - 1), name).toBeLessThan(1e-5)
    expect(Object.keys(cpu.perplexities)).toEqual(['full', 'nf4-b64-dq', 'int8', 'exact-nf4', 'exact-int8'])
    // A linear on int8 rounds its inputs: a last place decides between two codes of an input half way between them.
    for (const [name, value] of Object.entries(cpu.perplexities))
      expect(Math.abs((own.perplexities[name] ?? Number.NaN) / value - 1), name).toBeLessThan(
        name.includes('int8') ? 1e-3 : 1e-4
      )
  })

  it('makes Q and E of the codes of a pre-quantized base, and leaves nothing there', async () => {
    const { model, text } = characterModel('llama')
    const base = await exportedBase(model)
    const { computed, left } = watchGraphs()
    const [cpu, own] = [[] as unknown[], [] as unknown[]]
    for (const [device, codes] of [['cpu', cpu] as const, ['webgpu', own] as const]) {
      const calibration = { files: [text], rows: 2 }
      const evaluation = { files: [text], rows: 1 }
      const variants = [{ name: 'v', method: 'exact', rank: 4 }]
      const run = makeRun({ model, base, device, calibration, evaluation, context: 12, variants })
      expect(finishedOf(await runToEnd(run)).error).toBeUndefined()
      codes.push(...codesOf(run))
    }
    for (const folder of [model, base]) rmSync(folder, { recursive: true })
    expect(cpu.length).toBeGreaterThan(0)
    expect(own).toEqual(cpu)
    // What is made of codes is subtracted from a weight that lies there, once for each linear beside the trial.
    const errors = computed.filter(({ graph, lay }) => graph === 'error' && lay.includes('W'))
    expect(errors.length).toBe((own as object[][]).flatMap((block) => Object.values(block).flat()).length)
    expect(left.filter(({ tensor }) => isThere(tensor))).toEqual([])
  })

  it('has E of a linear, also where rows are found to be enough, and what ranks are worth', async () => {
    const { model, text } = characterModel('mixtral')
    const calibration = { files: [text], rows: 32, enough: 1 }
    const evaluation = { files: [text], rows: 1 }
    const variants = [{ name: 'v', method: 'exact', rank: 4, rankBudget: {} }]
    const run = makeRun({ model, device: 'webgpu', calibration, evaluation, context: 12, variants })
    const { computed, left } = watchGraphs()
    const products = () => computed.filter(({ graph }) => graph.startsWith('chain '))
    const before: Record<string, number> = {}
    const quantized: string[] = []
    const graphs = () => computed.filter(({ graph, lay }) => graph.startsWith('codes ') && lay.includes('W'))
    let phase = ''
    let seen = 0
    const events = await runToEnd(run, (event) => {
      if (graphs().length > seen) quantized.push(phase)
      seen = graphs().length
      if (event.type !== 'phaseStarted') return false
      before[event.phase] = products().length
      phase = event.phase
      return false
    })
    rmSync(model, { recursive: true })
    expect(finishedOf(events).error).toBeUndefined()
    expect(products().filter(({ lay }) => !lay.includes('E'))).toEqual([])
    // Of rows, of ranks, and of linears: each has had products.
    const { reading, weighing, blocks, choosing } = before as Record<string, number>
    const counts = [reading, weighing, blocks, choosing]
    expect(counts).toEqual([...new Set(counts)].sort((a = 0, b = 0) => a - b))
    // For each it was quantized there, and for the walk over the blocks that tells which ranks are kept.
    expect(new Set(quantized)).toEqual(new Set(['reading', 'weighing', 'blocks', 'choosing']))
    expect(left.filter(({ tensor }) => isThere(tensor))).toEqual([])
  })
})
