import { realpath, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { baseModelName } from '../../shared/modelName'
import type { Verification } from '../../shared/plan'
import { shownValue } from '../../shared/shownValue'
import { PROOF_FILE, type ProofFields, readProof } from '../formats/adapterProof'
import { Checkpoint } from '../formats/checkpoint'
import { type ReadAdapter, readAdapterDirectory } from '../formats/readAdapter'
import { stopHere } from '../graph/stopHere'
import { listLinears, type PreparedLinear } from '../models/modelLinears'
import { ModelParts } from '../models/modelParts'
import { readArchitecture } from '../models/registry'
import { adapterInside } from '../prepare/checkpointFindings'
import { type Check, checkFinite, checkKeys, checkScaling, checkShapes, unknown } from './adapterChecks'
import { checkBase, type Observed } from './baseChecks'
import { besideLinears } from './parameterFactors'
import { headOf } from './savedModules'

export interface VerifyOptions {
  /** The adapter by Quail that this one was trained from. */
  readonly from?: string | undefined
  readonly signal?: AbortSignal
  /** Told of linears whose base was compared. */
  readonly report?: (done: number, total: number) => void
}

/**
 * Says whether an adapter belongs on a base: keys, shapes, scaling, finite factors, and the fingerprint of the base as
 * quantized again from the checkpoint, or as a pre-quantized checkpoint holds it.
 *
 * An adapter that PEFT saved has no proof beside it. Everything but scaling and fingerprint is then checked all the same;
 * those are compared with the proof of `from`.
 *
 * @throws {AppError} BAD_INPUT or BAD_FORMAT when one of them cannot be read at all
 */
export async function verifyAdapter(
  adapter: string,
  model: string,
  { from, signal, report }: VerifyOptions = {}
): Promise<Verification> {
  const found = await readAdapterDirectory(adapter)
  const proof = await findProof(from ?? adapter, from !== undefined)
  const checkpoint = await Checkpoint.openAny(model)
  try {
    const architecture = readArchitecture(checkpoint.config, `${checkpoint.directory}/config.json`)
    const parts = new ModelParts(architecture)
    const linears = listLinears(parts)
    const read = besideLinears(found, new Set([...linears, headOf(architecture)].map(({ path }) => path)))
    const fitting = [checkKeys(read, architecture, linears), checkShapes(read, architecture, linears)]
    const checks = [
      ...fitting,
      checkScaling(read, proof, { trained: from !== undefined }),
      // Those that do not fit may be of any size.
      fitting.some(({ ok }) => ok === false) ? unknown('finite', NOT_READ) : await checkFinite(read, signal),
      await checkBase(proof, checkpoint, architecture, observed(linears, signal, report))
    ]
    const notes = [
      ...(await baseNotes(read, checkpoint.directory)),
      ...otherNotes(read),
      ...dropoutNotes(read, from === undefined ? proof : undefined)
    ]
    return { ...verdictOf(checks, read), checks, notes }
  } finally {
    await checkpoint.close()
  }
}

const NOT_READ = 'the values of factors that do not fit are not looked at'

const observed = (
  linears: readonly PreparedLinear[],
  signal: AbortSignal | undefined,
  report: VerifyOptions['report']
): Observed => ({
  linears,
  async next(index) {
    await stopHere(signal)
    report?.(index, linears.length)
  }
})

/** The proof beside an adapter; undefined where there is none, which is an error where one was promised. */
async function findProof(directory: string, needed: boolean): Promise<ProofFields | undefined> {
  const path = join(directory, PROOF_FILE)
  const found = await stat(path).catch(() => undefined)
  return found === undefined && !needed ? undefined : readProof(path)
}

function verdictOf(checks: readonly Check[], { tensors, settings }: ReadAdapter) {
  const wrong = checks.filter(({ ok }) => ok === false)
  const open = checks.filter(({ ok }) => ok === null)
  const fits = wrong.length === 0
  const complete = open.length === 0
  const factors = `${tensors.size / 2} linears, rank ${settings.rank}`
  if (!fits) return { fits, complete, summary: `the adapter does not fit: ${detailsOf(wrong)}` }
  return complete
    ? { fits, complete, summary: `the adapter fits: ${factors}, base quantized as it was made for` }
    : { fits, complete, summary: `the adapter fits as far as can be said: ${factors}; ${detailsOf(open)}` }
}

const detailsOf = (checks: readonly Check[]): string => checks.map(({ detail }) => detail).join('; ')

/** What the loaded base may be instead of the checkpoint that was verified. */
async function baseNotes({ settings: { baseModel } }: ReadAdapter, directory: string): Promise<string[]> {
  const inside = (await adapterInside(directory)).map(({ message }) => message)
  if (baseModel === null || (await isSameDirectory(baseModel, directory))) return inside
  if (baseModel.includes('/') && baseModel === baseModelName(directory)) return inside
  const there = (await realpath(baseModel).catch(() => undefined)) !== undefined
  const named = `adapter_config.json names ${shownValue(baseModel)} as the base`
  const loaded = there || baseModel.includes('/') ? `, not ${directory}` : ', which is no directory here'
  const who = 'AutoPeftModelForCausalLM and whoever else goes by base_model_name_or_path loads that'
  return [...inside, `${named}${loaded}: ${who}`]
}

const isSameDirectory = async (one: string, other: string): Promise<boolean> => {
  const [a, b] = await Promise.all([one, other].map((path) => realpath(path).catch(() => undefined)))
  return a !== undefined && a === b
}

/** What else was trained and saved: loading the adapter replaces it in the model. */
function otherNotes({ others, config }: ReadAdapter): string[] {
  const biased = typeof config.bias === 'string' && config.bias !== 'none'
  if (others.length === 0) return biased ? [`adapter_config.json says bias ${config.bias}, which is not checked`] : []
  const names = others.slice(0, 3).map(({ name }) => name.replace('base_model.model.', ''))
  const more = others.length > names.length ? ` and ${others.length - names.length} more` : ''
  return [`the adapter also holds ${names.join(', ')}${more}, saved by its trainer; their values are not checked`]
}

/** What training would make of an adapter that it has yet to begin from. */
function dropoutNotes({ config }: ReadAdapter, untrained: ProofFields | undefined): string[] {
  const { lora_dropout: share } = config
  if (untrained === undefined || typeof share !== 'number' || share <= 0) return []
  return [`adapter_config.json says lora_dropout ${share}: while it trains, the correction is switched off at random`]
}
