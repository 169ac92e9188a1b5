import { isKept } from '../../shared/acceptance'
import type { LayerResult } from '../../shared/runEvents'
import { acceptedVariants, chosenRanks, type JournalEntry, solvedBlocks } from '../../shared/runFolder'

/** The figures of a variant's layers, with the ranks and the corrections that were kept. */
export function layerFigures(journal: readonly JournalEntry[], variant: string): LayerResult[] {
  const uniform = chosenRanks(journal).get(variant)?.kept === 'uniform'
  const accepted = acceptedVariants(journal).get(variant)?.result
  return solvedBlocks(journal).flatMap((entry) =>
    ((uniform ? entry.uniform : entry.results) ?? [])
      .filter((one) => one.variant === variant)
      .map(({ result }) =>
        accepted === undefined || isKept(accepted, entry.block) ? result : withoutCorrection(result)
      )
  )
}

/** Of a layer whose correction was not kept: lora_B is 0. */
const withoutCorrection = (result: LayerResult): LayerResult => ({
  ...result,
  loss: result.lossRank0,
  lossBfloat16: result.lossRank0,
  certificate: 0,
  frobenius: result.frobeniusRank0,
  ...(result.errors && { errors: { ...result.errors, after: result.errors.before } })
})
