import { statfs } from 'node:fs/promises'
import { freemem } from 'node:os'
import type { EngineApi } from '../../shared/engineApi'
import type { Plan } from '../../shared/plan'
import type { DeviceName } from '../../shared/recipe'
import { LinearAlgebra } from '../graph/linearAlgebra'
import { adapterParameters, peakMemoryBytes, spoolBytes, workOf } from './estimate'
import { type PreparedRun, prepareRun } from './prepareRun'
import { runWarnings, type Warning } from './warnings'

const DTYPE_BYTES = { float32: 4, bfloat16: 2, float16: 2 } as const
/**
 * Share of a large product's speed that a whole run reaches: the forward pass alone reaches 0.9 (docs/benchmarks.md), but small
 * eigenproblems, quantization and files run on one thread.
 */
const EFFICIENCY = 0.5
/** Seconds per weight for quantizing and converting, measured on one core. */
const SECONDS_PER_WEIGHT = 3e-8
/** Speed that is assumed when nothing is measured, flops per second. */
const ASSUMED_SPEED = 5e10

/**
 * What a run of this recipe would do and need. Headers, tokenizer and texts are read; no weight is.
 *
 * @throws {AppError} as the run itself would, before anything is computed
 */
export async function planRun({ recipe, calibration, evaluation, measure }: EngineApi['plan']['input']): Promise<Plan> {
  const prepared = await prepareRun(recipe, { calibration, evaluation }, '.')
  try {
    const { checkpoint, architecture, linears, variants, quantizers } = prepared
    const { flops, quantizedWeights } = workOf(prepared)
    const speed = measure ? EFFICIENCY * (await productSpeed(recipe.device)) : ASSUMED_SPEED
    const planned = variants.map((variant) => ({
      name: variant.name,
      method: variant.spec.method,
      rank: variant.spec.rank,
      scaling: variant.scaling,
      quantizer: variant.quantizer,
      linears: variant.targets.size,
      parameters: adapterParameters(prepared, variant)
    }))
    const embedding = checkpoint.tensors.get(architecture.embedding) ?? [...checkpoint.tensors.values()][0]
    const plan: Omit<Plan, 'warnings'> = {
      model: {
        directory: checkpoint.directory,
        family: architecture.family,
        parameters: checkpoint.parameters,
        bytes: checkpoint.bytes,
        dtype: embedding?.dtype ?? 'F32',
        blocks: architecture.blocks,
        hiddenSize: architecture.hiddenSize,
        vocabularySize: architecture.vocabularySize
      },
      quantized: {
        linears: linears.length,
        parameters: linears.reduce((sum, l) => sum + l.inFeatures * l.outFeatures, 0),
        quantizers: [...quantizers.values()]
      },
      calibration: { rows: prepared.calibration.rows, tokens: prepared.calibration.tokenCount },
      evaluation: {
        rows: prepared.evaluation.reduce((sum, { rows }) => sum + rows.rows, 0),
        tokens: prepared.evaluation.reduce((sum, { rows }) => sum + rows.tokenCount, 0)
      },
      variants: planned,
      peakMemoryBytes: peakMemoryBytes(prepared),
      spoolBytes: spoolBytes(prepared),
      adapterBytes: planned.reduce((sum, { parameters }) => sum + parameters * DTYPE_BYTES[recipe.factorDtype], 0),
      flops,
      seconds: flops / speed + quantizedWeights * SECONDS_PER_WEIGHT + 2
    }
    return { ...plan, warnings: [...runWarnings(prepared), ...(await resourceWarnings(prepared, plan))] }
  } finally {
    await prepared.release()
  }
}

/** Speed of a matrix product like those of a block, flops per second; takes a tenth of a second or so. */
async function productSpeed(device: DeviceName): Promise<number> {
  const algebra = new LinearAlgebra(device)
  const size = 768
  const matrix = { data: new Float32Array(size * size).fill(0.5), rows: size, cols: size }
  await algebra.gemm32(matrix, matrix, { transB: true })
  const repetitions = 5
  const started = performance.now()
  for (let i = 0; i < repetitions; i++) await algebra.gemm32(matrix, matrix, { transB: true })
  const seconds = (performance.now() - started) / 1000
  await algebra.release()
  return (repetitions * 2 * size ** 3) / seconds
}

async function resourceWarnings(
  { recipe }: PreparedRun,
  plan: Pick<Plan, 'peakMemoryBytes' | 'spoolBytes' | 'adapterBytes'>
): Promise<Warning[]> {
  const warnings: Warning[] = []
  if (plan.peakMemoryBytes > freemem()) {
    const message = `about ${mib(plan.peakMemoryBytes)} MiB of memory are needed, ${mib(freemem())} MiB are free: a smaller memory budget than ${mib(recipe.memoryBudget)} MiB keeps more on the disk`
    warnings.push({ code: 'MEMORY', message })
  }
  const disk = await statfs('.').catch(() => undefined)
  const needed = plan.spoolBytes + plan.adapterBytes
  if (disk !== undefined && needed > disk.bavail * disk.bsize) {
    const message = `about ${mib(needed)} MiB of disk are needed, ${mib(disk.bavail * disk.bsize)} MiB are free`
    warnings.push({ code: 'DISK', message })
  }
  return warnings
}

const mib = (bytes: number): string => Math.round(bytes / 2 ** 20).toLocaleString('en')
