import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { FORWARD_METHODS } from './forwardMethods'
import { makeCheckpoint } from './makeCheckpoint'
import { type MeasuredRun, measureRun } from './measureRun'
import type { BenchOptions, Section, Verdict } from './section'
import { duration, mebibytes, percent } from './statistics'

const SHAPE = { blocks: 30, hidden: 576, intermediate: 1536, heads: 9, keyValueHeads: 3, vocabulary: 49_152 }
const LIMIT_SECONDS = 90
const LIMIT_BYTES = 2 * 2 ** 30

/** Whole runs on a checkpoint of 135 million parameters, with one method and with several: time, memory, and where the time goes. */
export async function measureModel135m({ quick, folder }: BenchOptions): Promise<Section> {
  const model = join(folder, 'model135m')
  const parameters = await makeCheckpoint(model, quick ? { ...SHAPE, blocks: 2 } : SHAPE)
  const sizes = {
    ...{ model, context: 256, rank: 16 },
    calibrationRows: quick ? 8 : 64,
    evaluationRows: quick ? 2 : 16
  }
  const one = await measureRun(join(folder, 'run135m'), { ...sizes, methods: ['quailora'] })
  const all = await measureRun(join(folder, 'run135m'), { ...sizes, methods: FORWARD_METHODS })
  await rm(model, { recursive: true })
  return {
    title: 'A model of 135 million parameters',
    text: [
      `A LLaMA-shaped checkpoint of ${(parameters / 1e6).toFixed(1)} M random bfloat16 weights (30 blocks, hidden 576, ` +
        'intermediate 1,536, 9 heads over 3, vocabulary 49,152, tied head); 16,384 calibration and 4,096 evaluation ' +
        `tokens; at rank 16 \`quailora\` alone, and all ${FORWARD_METHODS.length} methods that need nothing but the pass ` +
        `forward (${FORWARD_METHODS.join(', ')}), with their certificates, perplexity in full precision, quantized and with ` +
        'each adapter. The time is that of the whole process, the memory its largest resident set. On two free cores the ' +
        'processor time is at most twice the time; what is less was lost to other programs or to waiting.'
    ],
    columns: ['phase', '`quailora`', 'share', `all ${FORWARD_METHODS.length}`, 'share'],
    rows: besideEachOther(rowsOf(one), rowsOf(all)),
    verdicts: verdictsOf(all)
  }
}

type Row = readonly [name: string, value: string, share: string]

function rowsOf({ phases, wallSeconds, cpuSeconds, librarySeconds, peakBytes }: MeasuredRun): Row[] {
  const time = (name: string, seconds: number): Row => [name, duration(seconds), percent(seconds / wallSeconds)]
  return [
    ...phases.map(({ phase, seconds }) => time(phase, seconds)),
    time('whole process', wallSeconds),
    time('processor time, all threads', cpuSeconds),
    time('inside onnxruntime', librarySeconds),
    ['peak memory', mebibytes(peakBytes), '']
  ]
}

/** Both runs have the same phases. */
const besideEachOther = (one: readonly Row[], all: readonly Row[]): string[][] =>
  one.map(([name, value, share], i) => [name, value, share, all[i]?.[1] ?? '', all[i]?.[2] ?? ''])

const verdictsOf = ({ wallSeconds, peakBytes }: MeasuredRun): Verdict[] => [
  {
    what: `time of the run with all ${FORWARD_METHODS.length}`,
    limit: `${LIMIT_SECONDS} s`,
    measured: duration(wallSeconds),
    met: wallSeconds <= LIMIT_SECONDS
  },
  {
    what: 'peak memory of it',
    limit: mebibytes(LIMIT_BYTES),
    measured: mebibytes(peakBytes),
    met: peakBytes <= LIMIT_BYTES
  }
]
