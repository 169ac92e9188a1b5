import { join } from 'node:path'
import { z } from 'zod'
import { PROOF_FILE, readProof } from '../../engine/formats/adapterProof'
import type { ComparedRun } from '../../shared/compare/comparedRun'
import type { Pairing } from '../../shared/compare/pairing'
import { type ComparisonRow, comparisonRows, parseRowKey } from '../../shared/compare/rows'
import { badInput } from '../../shared/errors'
import { expertsSentence, expertsText } from '../../shared/expertsNote'
import { provenBase, quantizerWords } from '../../shared/quantizerWords'
import { computedWhere, DeviceFailure, type LayerResult } from '../../shared/runEvents'
import { TOWER_ALONE, towerText } from '../../shared/textTower'
import { readLayerFigures } from '../../store/layerResults'
import { userHome } from '../../store/userHome'
import { comparedRuns } from '../compare/comparedRuns'
import { pairedWith } from '../compare/pairedRows'
import { recipeYaml } from '../recipeText'
import { getRun, type Run } from '../runService'
import type { Services } from '../services'

/** Everything that a report tells, read before a line of it is written. */
export interface ReportData {
  readonly madeAtMs: number
  readonly version: string
  readonly rows: readonly ComparisonRow[]
  readonly runs: readonly ReportedRun[]
  /** How the rows of other runs differ from the first row. */
  readonly pairing: Pairing
}

export interface ReportedRun {
  readonly run: ComparedRun
  readonly stored: Run
  readonly rows: readonly ComparisonRow[]
  readonly recipeText: string
  readonly layers: ReadonlyMap<string, readonly LayerResult[]>
  readonly environment: readonly (readonly [string, string])[]
  readonly fingerprints: readonly Fingerprint[]
}

export interface Fingerprint {
  /** Variants that were made for this base. */
  readonly variants: readonly string[]
  readonly quantizer: string
  readonly dtype: string
  readonly codes: string
  readonly absmax: string
}

/**
 * Reads what a report on these rows needs; a run's id stands for all of its variants.
 *
 * @throws {AppError} BAD_INPUT when there is no such run or variant
 */
export async function readReportData(services: Services, keys: readonly string[]): Promise<ReportData> {
  const ids = [...new Set(keys.map((key) => parseRowKey(key).run))]
  const stored = await Promise.all(ids.map((id) => getRun(services, id)))
  const full = keys.map((key) => {
    const { run, variant } = parseRowKey(key)
    const { id, variants } = stored[ids.indexOf(run)] as Run
    if (variant !== undefined && !variants.some(({ name }) => name === variant)) {
      throw badInput(`run ${id} has no variant "${variant}"; it has ${variants.map(({ name }) => name).join(', ')}`)
    }
    return variant === undefined ? id : `${id}/${variant}`
  })
  const compared = await comparedRuns(services, [...new Set(stored.map(({ id }) => id))])
  const rows = comparisonRows(compared, full)
  const runs: ReportedRun[] = []
  for (const run of compared) {
    const own = rows.filter((row) => row.run.id === run.id)
    runs.push(await readReportedRun(services, run, stored.find(({ id }) => id === run.id) as Run, own))
  }
  const pairing = await pairedWith(services, rows[0]?.key ?? '', compared)
  return { madeAtMs: Date.now(), version: services.version, rows, runs, pairing }
}

async function readReportedRun(
  { store }: Services,
  run: ComparedRun,
  stored: Run,
  rows: readonly ComparisonRow[]
): Promise<ReportedRun> {
  const layers = new Map<string, LayerResult[]>(rows.map(({ variant }) => [variant.name, []]))
  for (const { variant, result } of await readLayerFigures(store, run.id)) layers.get(variant)?.push(result)
  const proofs = []
  for (const { variant } of rows) {
    const adapter = stored.variants.find(({ name }) => name === variant.name)?.adapter ?? null
    // An adapter may have been moved or deleted since: the report then does without what only it knew.
    const proof = adapter === null ? undefined : await readProof(join(adapter, PROOF_FILE)).catch(() => undefined)
    if (proof !== undefined) proofs.push({ variant: variant.name, proof })
  }
  const versions = proofs.map(({ proof }) => Versions.safeParse(proof).data?.versions).find(Boolean)
  const tower = proofs.map(({ proof }) => proof.model?.tower).find(Boolean)
  const experts = proofs.map(({ proof }) => proof.model?.experts).find(Boolean)
  const failure = proofs.map(({ proof }) => Failure.safeParse(proof).data?.recipe.deviceFailure).find(Boolean)
  return {
    run,
    stored,
    rows,
    recipeText: withoutHome(recipeYaml(stored.record.recipe)),
    layers,
    environment: [
      ['Quail', run.quailVersion],
      ...(versions === undefined ? [] : Object.entries(versions).filter(([name]) => name !== 'quail')),
      ['device', failure === undefined ? stored.record.recipe.device : computedWhere(failure)],
      ...renderedAsOf(stored),
      ['model', withoutHome(run.model)],
      ...(tower === undefined ? [] : [['part', `${towerText(tower)}: ${TOWER_ALONE}`] as [string, string]]),
      ...(experts === undefined
        ? []
        : [['experts', `${expertsText(experts)}: ${expertsSentence(experts)}`] as [string, string]]),
      ...stored.record.calibration.map(({ name, sha256 }): [string, string] => [
        'calibration',
        `${name}, sha256 ${sha256}`
      ]),
      ...stored.record.evaluation.map(({ name, sha256 }): [string, string] => [
        'evaluation',
        `${name}, sha256 ${sha256}`
      ])
    ],
    fingerprints: distinct(
      proofs.map(({ variant, proof: { fingerprint: f } }) => ({
        variants: [variant],
        quantizer: quantizerWords(provenBase(f)),
        dtype: f.dtype,
        codes: f.codes,
        absmax: f.absmax
      }))
    )
  }
}

const renderedAsOf = ({ record }: Run): [string, string][] =>
  record.recipe.templateDate === undefined ? [] : [['conversations', `rendered as of ${record.recipe.templateDate}`]]

const Failure = z.looseObject({ recipe: z.looseObject({ deviceFailure: DeviceFailure.optional() }) })
const Versions = z.looseObject({ versions: z.record(z.string(), z.string()) })

/** One entry for each base, with the variants that were made for it. */
function distinct(found: readonly Fingerprint[]): Fingerprint[] {
  const bases = new Map<string, Fingerprint>()
  for (const one of found) {
    const key = [one.quantizer, one.dtype, one.codes, one.absmax].join(' ')
    const known = bases.get(key)
    bases.set(key, known === undefined ? one : { ...known, variants: [...known.variants, ...one.variants] })
  }
  return [...bases.values()]
}

/** A report is sent to others, whom the name of a user's home does not concern. */
function withoutHome(text: string): string {
  const home = userHome()
  return home !== null && home.length > 1 ? text.replaceAll(home, '~') : text
}
