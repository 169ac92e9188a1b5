import { elementCount } from '../formats/tensorInfo'
import { deviceOf } from '../graph/devices/registry'
import { sharedAt } from '../methods/sharedMoments'
import { stateSize } from '../models/architecture'
import { maskBytes, scoreBytes } from '../models/attention'
import { EVALUATED_POSITIONS, headBytes } from '../models/headRunner'
import { asksForCurvature, type PreparedRun } from '../prepare/preparedRun'
import { timesSolved } from '../prepare/rankBudgets'
import { hiddenBytes, type StreamShape, streamShapes } from '../prepare/streamShapes'
import { bytesBesideFirst, linearsAtATime } from '../solve/threadCount'
import { inputBytes, scratchBytes } from './batchBytes'
import { curvatureNeeds } from './curvatureNeeds'
import { batchExpertBytes, keptExpertBytes } from './expertWork'
import { refinementNeeds } from './refinementNeeds'
import { refinementWorkBytes } from './refinementWork'

/** Process, runtime, graphs and the temporaries of one batch, before anything that grows with the model or the texts. */
const BASE_BYTES = 160 * 2 ** 20
/** Of a thread that solves linears: its own engine, with sessions and compiled code. */
const THREAD_BYTES = 50 * 2 ** 20
/** Of a variant: its graph of a block, compiled, and what of its factors and figures lies about. */
const VARIANT_BYTES = 10 * 2 ** 20
/** The process while another tokenizes: nothing was computed, and the library that computes is not loaded. */
const WAITING_BYTES = 130 * 2 ** 20
/** Of the process that tokenizes before anything is computed: itself, and for each byte of texts, up to so much, what lies about. */
const TOKENIZING_BYTES = 155 * 2 ** 20
const BYTES_PER_TEXT_BYTE = 10
const TEXT_BYTES = 160 * 2 ** 20
/** Beside that, of samples, whose lines are parsed. */
const BYTES_PER_SAMPLE_BYTE = 5
const SAMPLE_BYTES = 55 * 2 ** 20
/**
 * Of each token and each merge of its tables: the JSON as objects and as texts, and what the library makes of it. With 151,000
 * tokens and as many merges the two processes took 572 MiB, with 262,000 and 514,000 860 to 871, with 300,000 tokens and hardly a
 * merge 676.
 */
const TOKEN_BYTES = 1400
const MERGE_BYTES = 500
/** What the tokenizer takes for each byte that it gets at a time: strings, places and masks of every token. */
const TOKENIZER_BYTES = 138
/**
 * Of what weighing the outputs took and gave back, all in small pieces, what is not used again: peaks of one run at 256 tokens
 * lay 120 MiB apart.
 */
const LOST_WEIGHING_SHARE = 1 / 4
/**
 * The same of the weights, second moments and inputs of a block when the next begins, how often and up to so much: pieces of
 * one block do not quite fit into the gaps of the last, and every thread that solves has a heap of its own. It grows with the
 * blocks: of hidden size 576, peaks of 8 blocks lay between 549 and 601 MiB, of 30 between 674 and 686; with no such threads, of
 * 2 blocks of 512 between 343 and 366, of 16 and 32 between 351 and 430.
 */
const LOST_AT_FIRST = 0.5
const LOST_EACH_BLOCK = 1 / 16
const LOST_AT_MOST = { alone: 0.75, onThreads: 2 } as const
const LOST_BLOCK_BYTES = 288 * 2 ** 20
/** Pieces of memory from this size on go back to the system once nothing uses them. */
const RETURNED_BYTES = 2 ** 25
/** Bytes a weight of the linear that is being solved: its E and Eᵀ, products with them, codes. */
const LINEAR_BYTES = 24

/** Of the masks of a graph: as the graph was built and in the runtime that took it, and mostly as they were made. */
const MASK_COPIES = 2.75

/**
 * Of the tiles of the head, how often they lie in memory: threads do not share what the C library keeps for them, so that some
 * are made anew beside those of the weights before. Peaks of one run at 2,048 tokens lay between 1 and 1.7 times one tile's.
 */
const HEAD_COPIES = 1.75

/** Of each position and each set of weights while the head is read: four sums in float64, a token. */
const FIGURES_BYTES = 36

/** Linears that a run solves at a time. */
export const solvedAtATime = ({ linears, recipe }: PreparedRun): number =>
  linearsAtATime(linears, recipe.device, recipe.memoryBudget)

/**
 * Largest resident set, bytes, of the process with its threads, or before that of the process that waits and the one that
 * tokenizes, which is gone when the first is at work.
 */
export function peakMemoryBytes(prepared: PreparedRun): number {
  const { textBytes, sampleBytes, bytesAtATime, tables = { tokens: 0, merges: 0 } } = prepared
  const texts = Math.min(TEXT_BYTES, BYTES_PER_TEXT_BYTE * textBytes)
  const samples = Math.min(SAMPLE_BYTES, BYTES_PER_SAMPLE_BYTE * sampleBytes)
  const ofTables = TOKEN_BYTES * tables.tokens + MERGE_BYTES * tables.merges
  const tokenizing = TOKENIZING_BYTES + ofTables + texts + samples + TOKENIZER_BYTES * bytesAtATime
  const working = workingBytes(prepared)
  const process = BASE_BYTES + threadBytes(prepared) + VARIANT_BYTES * prepared.variants.length
  return Math.max(WAITING_BYTES + tokenizing, process + working)
}

/** Of the threads that solve linears, where there are some beside this one. */
function threadBytes(prepared: PreparedRun): number {
  const threads = solvedAtATime(prepared)
  return threads > 1 ? threads * THREAD_BYTES : 0
}

/**
 * What the passes of a run work with, one after the other, beside hidden states and what refinements keep, up to the budget:
 * taking rows through a block, solving its linears, reading the head, refining; or what weighing the outputs takes, before all
 * that. Small pieces that an earlier pass gave back still count.
 */
export function workingBytes(prepared: PreparedRun): number {
  const { recipe } = prepared
  const block = largestBlock(prepared)
  const { held, passing } = block
  const hidden = Math.min(streamBytes(prepared), recipe.memoryBudget)
  const experts = keptExpertBytes(prepared, recipe.memoryBudget - hidden)
  const working = Math.max(
    sum([...held, ...passing]) + batchExpertBytes(prepared) + experts,
    sum(held) + solvingBytes(prepared) + notReturned(passing) + experts,
    evaluationBytes(prepared) + notReturned([...held, ...passing]),
    refinementWorkBytes(prepared) + sum(scores(prepared))
  )
  const kept = hidden + refinementNeeds(prepared, recipe.memoryBudget - hidden).memory
  // Before anything else is kept, and before there are threads that solve.
  const { workBytes, stateBytes } = curvatureNeeds(prepared)
  const weighing = workBytes + (stateBytes <= recipe.memoryBudget ? stateBytes : 0) - threadBytes(prepared)
  const ofBlocks = Math.min(lostShare(prepared) * notReturned([...held, ...inputs(prepared)]), LOST_BLOCK_BYTES)
  const lost = Math.max(ofBlocks, LOST_WEIGHING_SHARE * Math.max(0, Math.min(working + kept, weighing)))
  return Math.max(working + kept, weighing) + Math.round(lost) + masksOfRun(prepared)
}

/** How often what a block gave back is not used again. */
function lostShare(prepared: PreparedRun): number {
  const most = solvedAtATime(prepared) > 1 ? LOST_AT_MOST.onThreads : LOST_AT_MOST.alone
  return Math.min(most, LOST_AT_FIRST + LOST_EACH_BLOCK * prepared.architecture.blocks)
}

const sum = (pieces: readonly number[]): number => pieces.reduce((total, bytes) => total + bytes, 0)

/** Of pieces that were given back, those that the C library keeps for itself: on Linux all below its largest threshold. */
const notReturned = (pieces: readonly number[]): number => sum(pieces.filter((bytes) => bytes < RETURNED_BYTES))

interface BlockBytes {
  /** Weights in full precision and of each quantizer, what else a block reads, and second moments in float64: one for each. */
  readonly held: readonly number[]
  /** What a batch of rows makes while it passes: inputs of the linears, about twice, scores of attention, what other mixers make. */
  readonly passing: readonly number[]
}

function largestBlock(prepared: PreparedRun): BlockBytes {
  const { architecture, linears, parts, quantizers } = prepared
  const blocks = Array.from({ length: architecture.blocks }, (_, block) => {
    const weights = linears.filter((one) => one.block === block).map((one) => 4 * one.inFeatures * one.outFeatures)
    const copies = Array.from({ length: 1 + quantizers.size }, () => weights).flat()
    const others = parts.parameters(block).map(({ shape }) => 4 * elementCount(shape))
    return [...copies, ...others, ...parts.inputs(block).map((n) => 8 * n * n)]
  })
  const held = blocks.reduce((most, block) => (sum(block) > sum(most) ? block : most), [])
  return {
    held,
    passing: [
      ...inputs(prepared),
      ...inputs(prepared),
      ...scores(prepared),
      ...scratchBytes(prepared, batchTokens(prepared))
    ]
  }
}

/** The linears that are solved at a time, each with its error, and in float32 H of each input that is shared then. */
function solvingBytes(prepared: PreparedRun): number {
  const { linears, architecture, recipe } = prepared
  const blocks = Array.from({ length: architecture.blocks }, (_, block) => linears.filter((one) => one.block === block))
  const times = deviceOf(recipe.device).keepsTensors === true ? timesSolved(prepared) : 1
  const largest = blocks.flatMap((own) => {
    const shared = sharedAt(own, times)
    return own.map(({ inFeatures, outFeatures }, place) => {
      const moments = (shared[place] as number[]).map((n) => 4 * n * n)
      return LINEAR_BYTES * outFeatures * inFeatures + sum(moments)
    })
  })
  return Math.max(...largest) + bytesBesideFirst(linears, solvedAtATime(prepared))
}

/** Tiles of the head with their logits, under full precision and other weights, and the figures of each position. */
function evaluationBytes(prepared: PreparedRun): number {
  const [, ...streams] = streamShapes(prepared)
  const { architecture, recipe } = prepared
  const positions = Math.max(0, ...streams.map(({ rows }) => rows)) * recipe.context
  const atATime = Math.min(EVALUATED_POSITIONS, largestBatch(streams) * recipe.context)
  return streams.length === 0
    ? 0
    : HEAD_COPIES * headBytes(architecture, atATime) + FIGURES_BYTES * positions * streams.length
}

/** Rows of the largest batch of some streams. */
const largestBatch = (streams: readonly StreamShape[]): number =>
  streams.reduce((most, { ranges }) => ranges.reduce((rows, [begin, end]) => Math.max(rows, end - begin), most), 0)

/** Tokens of the largest batch. */
const batchTokens = (prepared: PreparedRun): number => largestBatch(streamShapes(prepared)) * prepared.recipe.context

/** Activations of one batch in a block: of each distinct input of its linears. */
const inputs = (prepared: PreparedRun): number[] => inputBytes(prepared, batchTokens(prepared))

/** Heads of the attention that has the most. */
function mostHeads({ architecture, parts }: PreparedRun): number {
  return Math.max(0, ...Array.from({ length: architecture.blocks }, (_, block) => parts.attentionHeads(block)))
}

/** Scores of attention of one batch: of gradients, where the run computes some. */
function scores(prepared: PreparedRun): number[] {
  const { recipe, variants } = prepared
  const differentiates = asksForCurvature(prepared) || variants.some(({ spec }) => spec.refine !== undefined)
  const rows = largestBatch(streamShapes(prepared))
  return scoreBytes(mostHeads(prepared), recipe.context, rows, differentiates ? 'gradients' : 'forward')
}

/** The masks of attention in each of the graphs of blocks. */
function masksOfRun(prepared: PreparedRun): number {
  const { evaluation, variants, recipe } = prepared
  // One gives second moments; the evaluation has one without adapters and one with.
  const adapted = new Set(variants.map(({ targets }) => [...targets].join())).size
  const graphs = 1 + (evaluation.length === 0 ? 0 : 1 + adapted)
  return MASK_COPIES * graphs * maskBytes(mostHeads(prepared), recipe.context)
}

/** Hidden states of all streams, bytes. */
export const streamBytes = (prepared: PreparedRun): number =>
  streamShapes(prepared).reduce(
    (sum, { rows }) =>
      sum + hiddenBytes({ rows, context: prepared.recipe.context, width: stateSize(prepared.architecture) }),
    0
  )
