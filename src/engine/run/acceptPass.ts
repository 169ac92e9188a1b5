import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { AcceptanceResult, type BlockGroup, blockGroups, isKept } from '../../shared/acceptance'
import { type AcceptedVariant, RUN_FILES } from '../../shared/runFolder'
import { type LoraFactors, silenced } from '../methods/factors'
import type { PreparedRun, PreparedVariant } from '../prepare/preparedRun'
import type { Comparison } from '../refine/comparison'
import { choiceQuestions, questionsAndBlocks } from './choosePass'
import { comparisonOf, readAdapters, releaseComparison, withoutAdapter } from './comparisons'
import { decodeFactors, foundFactors, inBlock, isIntact, readFactors, writeKeptFactors } from './factorFiles'
import type { Events, Pass, RunContext } from './pass'

const acceptedIn = ({ variants }: PreparedRun): PreparedVariant[] => variants.filter(({ accepted }) => accepted)

/**
 * Keeps of each adapter what brings the whole model nearer to full precision than no adapter does, on held-out rows of the
 * calibration set: all of it, or where that does not, the groups of blocks that do; each entry is a variant.
 */
export const acceptPass: Pass<AcceptedVariant> = {
  name: 'accept',
  blocks: (prepared) => acceptedIn(prepared).map((_, i) => i),
  async *begin({ prepared }, finished) {
    const total = questionsAndBlocks(prepared)
    yield { type: 'phaseStarted', phase: 'choosing', total, unit: 'questions' }
    const done = choiceQuestions(prepared) + finished
    if (done > 0) yield { type: 'phaseProgress', phase: 'choosing', done, total }
  },
  step,
  async *settle({ prepared }, { block }) {
    const done = choiceQuestions(prepared) + block + 1
    yield { type: 'phaseProgress', phase: 'choosing', done, total: questionsAndBlocks(prepared) }
  },
  async restore({ prepared, folder }, entries) {
    const variants = acceptedIn(prepared)
    for (const [i, entry] of entries.entries()) {
      if (entry.variant !== variants[i]?.name) return false
      if (entry.factors !== undefined && !(await isIntact(folder, entry.factors))) return false
    }
    return true
  },
  end: releaseComparison
}

async function* step(context: RunContext, block: number): Events<AcceptedVariant> {
  const started = performance.now()
  const { prepared } = context
  const variant = acceptedIn(prepared)[block] as PreparedVariant
  const comparison = await comparisonOf(context, variant.quantizer)
  const quantized = await withoutAdapter(prepared, comparison)
  const all = { first: 0, end: prepared.architecture.blocks }
  const whole = await divergenceOf(context, comparison, variant, [all])
  const helps = (whole ?? Number.POSITIVE_INFINITY) <= quantized
  const groups = helps ? [] : await askGroups(context, comparison, variant, quantized)
  // Parsed, so that its keys have the order in which the journal gives them back.
  const result = AcceptanceResult.parse({
    blocks: all.end,
    ...comparison.heldOutCounts,
    ...{ quantized, whole, groups },
    kept: helps ? 'whole' : groups.some(({ kept }) => kept) ? 'groups' : 'zero'
  })
  const factors = helps ? {} : { factors: await keep(context, variant, result) }
  const durationMs = performance.now() - started
  return { pass: 'accept', block, variant: variant.name, result, ...factors, durationMs }
}

/** Adds the groups of blocks one after the other to those that helped before. */
async function askGroups(
  context: RunContext,
  comparison: Comparison,
  variant: PreparedVariant,
  quantized: number
): Promise<AcceptanceResult['groups']> {
  const asked: AcceptanceResult['groups'] = []
  let least = quantized
  for (const group of blockGroups(context.prepared.architecture.blocks)) {
    const added = [...asked.filter(({ kept }) => kept), group]
    const divergence = await divergenceOf(context, comparison, variant, added)
    const kept = divergence !== null && divergence < least
    if (kept) least = divergence
    asked.push({ ...group, divergence, kept })
  }
  return asked
}

/** The divergence on the held-out rows with the corrections of these blocks alone. */
function divergenceOf(
  context: RunContext,
  comparison: Comparison,
  variant: PreparedVariant,
  groups: readonly BlockGroup[]
): Promise<number | null> {
  const place = foundFactors(context.journal, variant.name)
  return comparison.heldOut(async (block) => {
    const inside = groups.some(({ first, end }) => block >= first && block < end)
    return inside ? readAdapters(context, variant, place, block) : undefined
  })
}

/** Writes the factors, with lora_B = 0 in the blocks whose correction is not kept. */
async function keep({ prepared, folder, journal }: RunContext, variant: PreparedVariant, result: AcceptanceResult) {
  const place = foundFactors(journal, variant.name)
  const factors = new Map<string, LoraFactors>()
  for (let block = 0; block < prepared.architecture.blocks; block++) {
    const found = decodeFactors(await readFactors(folder, inBlock(place, block)), variant.targets)
    for (const [path, own] of found) factors.set(path, isKept(result, block) ? own : silenced(own))
  }
  const name = `accepted-${variant.name}`
  await rm(join(folder, RUN_FILES.factors, `${name}.safetensors`), { force: true })
  return writeKeptFactors(folder, name, variant.name, factors, prepared.recipe.factorDtype)
}
