import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { makeCheckpoint } from './makeCheckpoint'
import { measureRun } from './measureRun'
import type { BenchOptions, Section } from './section'
import { duration, mebibytes, percent } from './statistics'

const SHAPE = { blocks: 30, hidden: 576, intermediate: 1536, heads: 9, keyValueHeads: 3, vocabulary: 49_152 }
const LIMIT_SECONDS = 300
const LIMIT_BYTES = 2 * 2 ** 30

/** A whole run on a checkpoint of 135 million parameters: time, memory, and where the time goes. */
export async function measureModel135m({ quick, folder }: BenchOptions): Promise<Section> {
  const model = join(folder, 'model135m')
  const parameters = await makeCheckpoint(model, quick ? { ...SHAPE, blocks: 2 } : SHAPE)
  const run = await measureRun(join(folder, 'run135m'), {
    model,
    context: 256,
    calibrationRows: quick ? 8 : 64,
    evaluationRows: quick ? 2 : 16,
    rank: 16
  })
  await rm(model, { recursive: true })
  const phases = run.phases.map(({ phase, seconds }) => [phase, duration(seconds), percent(seconds / run.wallSeconds)])
  return {
    title: 'A model of 135 million parameters',
    text: [
      `A LLaMA-shaped checkpoint of ${(parameters / 1e6).toFixed(1)} M random bfloat16 weights (30 blocks, hidden 576, ` +
        'intermediate 1,536, 9 heads over 3, vocabulary 49,152, tied head); 16,384 calibration and 4,096 evaluation ' +
        'tokens; `quailora` at rank 16 with its certificates, perplexity in full precision, quantized and with the ' +
        'adapter. The time is that of the whole process, the memory its largest resident set. On two free cores the ' +
        'processor time is at most twice the time; what is less was lost to other programs or to waiting.'
    ],
    columns: ['phase', 'time', 'share'],
    rows: [
      ...phases,
      ['whole process', duration(run.wallSeconds), '100 %'],
      ['processor time, all threads', duration(run.cpuSeconds), percent(run.cpuSeconds / run.wallSeconds)],
      ['inside onnxruntime', duration(run.librarySeconds), percent(run.librarySeconds / run.wallSeconds)],
      ['peak memory', mebibytes(run.peakBytes), '']
    ],
    verdicts: [
      {
        what: 'time of the whole run',
        limit: '5 minutes',
        measured: duration(run.wallSeconds),
        met: run.wallSeconds <= LIMIT_SECONDS
      },
      {
        what: 'peak memory',
        limit: mebibytes(LIMIT_BYTES),
        measured: mebibytes(run.peakBytes),
        met: run.peakBytes <= LIMIT_BYTES
      }
    ]
  }
}
