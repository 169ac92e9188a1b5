import { changeVariants, type Finding } from '../../shared/findings'
import { DEFAULT_QUANTIZER } from '../../shared/quantizers'
import { NO_TRAINER, trainerWords } from '../../shared/quantizerWords'
import { rankBounds } from '../../shared/rankBudget'
import { QuantizerSpec, type Variant } from '../../shared/recipe'
import { TOWER_ALONE, towerText } from '../../shared/textTower'
import { distinctVariants } from '../../shared/variantAxes'
import { VLLM_DEFAULT_RANK, VLLM_LARGEST_RANK, vllmMaxRank } from '../../shared/vllmRanks'
import type { PreparedRun } from './preparedRun'
import { noEvaluation, textWarnings } from './textWarnings'
import type { RunTexts } from './tokenRequests'

/**
 * What a person should know before the work begins; none of it stops the run.
 *
 * @param given - the texts that its rows are of
 */
export function runWarnings(prepared: PreparedRun, given: RunTexts): Finding[] {
  const found = [
    ...textWarnings(prepared, given),
    textTower(prepared),
    vllmRank(prepared),
    ownRanks(prepared),
    rslora(prepared),
    blockSize(prepared),
    noTrainer(prepared),
    failsInInt8(prepared),
    duplicates(prepared),
    noEvaluation(prepared)
  ]
  return [...prepared.checkpointFindings, ...found.filter((finding) => finding !== undefined)]
}

function textTower({ architecture: { tower } }: PreparedRun): Finding | undefined {
  if (tower === undefined) return undefined
  return { code: 'TEXT_TOWER', severity: 'info', subject: 'model', message: `${towerText(tower)}: ${TOWER_ALONE}` }
}

function vllmRank({ variants, recipe }: PreparedRun): Finding | undefined {
  const large = Math.max(...variants.map(({ spec }) => largestRank(spec)))
  if (large <= VLLM_DEFAULT_RANK) return undefined
  const what = variants.some(({ spec }) => spec.rank === large) ? 'rank' : 'a linear may be given rank'
  const told = vllmMaxRank(large)
  const limit =
    told === undefined ? VLLM_LARGEST_RANK : `${VLLM_DEFAULT_RANK} unless started with --max-lora-rank ${told}`
  const message = `${what} ${large}: vLLM serves ranks up to ${limit}`
  const fix = changeVariants(recipe, `Use rank ${VLLM_DEFAULT_RANK}`, (variant) =>
    largestRank(variant) > VLLM_DEFAULT_RANK ? withLargestRank(variant, VLLM_DEFAULT_RANK) : variant
  )
  return { code: 'VLLM_RANK', severity: 'warning', subject: 'variants', message, fix }
}

/** The largest rank that a linear of a variant can have. */
const largestRank = ({ rank, rankBudget }: Variant): number =>
  rankBudget === undefined ? rank : rankBounds(rank, rankBudget).cap

/** The same with no larger rank; ranks of their own need room, which the mean then has half of. */
function withLargestRank(variant: Variant, most: number): Variant {
  const { rankBudget, rank } = variant
  if (rankBudget === undefined) return { ...variant, rank: most }
  const { floor: _, ...bounds } = rankBudget
  return { ...variant, rank: Math.min(rank, most / 2), rankBudget: { ...bounds, cap: most } }
}

/** Not everything that loads adapters knows of ranks by linear. */
function ownRanks({ variants, recipe }: PreparedRun): Finding | undefined {
  if (!variants.some(({ spec }) => spec.rankBudget !== undefined)) return undefined
  const message =
    'ranks by layer: PEFT reads them (rank_pattern and alpha_pattern), but the converter of llama.cpp would scale such an adapter wrongly'
  const fix = changeVariants(recipe, 'Use one rank everywhere', ({ rankBudget: _, ...variant }) => variant)
  return { code: 'RANK_PATTERN', severity: 'info', subject: 'variants', message, fix }
}

function rslora({ variants, recipe }: PreparedRun): Finding | undefined {
  if (!variants.some(({ spec }) => spec.rslora)) return undefined
  const message = 'rsLoRA: the converter of llama.cpp reads lora_alpha alone and would scale such an adapter wrongly'
  const fix = changeVariants(recipe, 'Scale by alpha / rank', (variant) => ({ ...variant, rslora: false }))
  return { code: 'RSLORA', severity: 'info', subject: 'variants', message, fix }
}

function blockSize({ quantizers, recipe }: PreparedRun): Finding | undefined {
  const odd = [...quantizers.values()].find((spec) => spec.blockSize !== (onlyBlockSize(spec) ?? spec.blockSize))
  const only = odd && onlyBlockSize(odd)
  if (odd === undefined || only === undefined) return undefined
  const message = `block size ${odd.blockSize}: transformers quantizes with ${only} and has no setting for it, so such an adapter only fits a base that you quantize yourself`
  const fix = changeVariants(recipe, `Use block size ${only}`, (variant) =>
    onlyBlockSize(variant.quantizer) === undefined
      ? variant
      : { ...variant, quantizer: { ...variant.quantizer, blockSize: only } }
  )
  return { code: 'BLOCK_SIZE', severity: 'warning', subject: 'variants', message, fix }
}

/** The block size that trainers quantize with, where they cannot be told another. */
const onlyBlockSize = (spec: QuantizerSpec): QuantizerSpec['blockSize'] | undefined => trainerWords(spec)?.blockSize

function noTrainer({ quantizers }: PreparedRun): Finding | undefined {
  const own = [...quantizers.values()].find((spec) => trainerWords(spec) === undefined)
  if (own === undefined) return undefined
  return { code: 'NO_TRAINER', severity: 'warning', subject: 'variants', message: `${own.format}: ${NO_TRAINER}` }
}

function failsInInt8({ architecture, quantizers, recipe }: PreparedRun): Finding | undefined {
  const { failsInInt8: why } = architecture
  if (why === undefined || ![...quantizers.values()].some(({ format }) => format === 'int8')) return undefined
  const fix = changeVariants(recipe, `Use ${DEFAULT_QUANTIZER}`, (variant) =>
    variant.quantizer.format === 'int8' ? { ...variant, quantizer: QuantizerSpec.parse({}) } : variant
  )
  return { code: 'FAILS_IN_INT8', severity: 'warning', subject: 'variants', message: `int8: ${why}`, fix }
}

function duplicates({ variants, recipe }: PreparedRun): Finding | undefined {
  const distinct = distinctVariants(recipe.variants)
  if (distinct.length === recipe.variants.length) return undefined
  const twice = variants.filter(({ spec }) => !distinct.includes(spec)).map(({ name }) => name)
  const message = `${twice.join(', ')}: the same as an earlier variant in all but the name`
  const fix = changeVariants(recipe, 'Keep one of each', (variant) => variant)
  return { code: 'SAME_VARIANT', severity: 'info', subject: 'variants', message, fix }
}
