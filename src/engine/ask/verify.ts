import { realpath, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { baseModelName } from '../../shared/modelName'
import type { Verification } from '../../shared/plan'
import { provenBase, quantizerWords, scaleOptions } from '../../shared/quantizerWords'
import { QuantizerSpec } from '../../shared/recipe'
import type { LinearFingerprint } from '../../shared/runFolder'
import { StoredBase } from '../base/storedBase'
import { PROOF_FILE, type ProofFields, readProof } from '../formats/adapterProof'
import { Checkpoint } from '../formats/checkpoint'
import { isQuantized } from '../formats/checkpointFiles'
import { type ReadAdapter, readAdapterDirectory } from '../formats/readAdapter'
import { stopHere } from '../graph/stopHere'
import type { ModelArchitecture } from '../models/architecture'
import { listLinears, type PreparedLinear } from '../models/modelLinears'
import { ModelParts } from '../models/modelParts'
import { ModelWeights } from '../models/modelWeights'
import { readArchitecture } from '../models/registry'
import { adapterInside } from '../prepare/checkpointFindings'
import { fingerprintLinear, fingerprintModel, STORED_FINGERPRINT_ALGORITHM } from '../quantizers/fingerprint'
import { quantizerFor } from '../quantizers/registry'
import { type Check, checkFinite, checkKeys, checkScaling, checkShapes, failed, passed, unknown } from './adapterChecks'

export interface VerifyOptions {
  /** The adapter by Quail that this one was trained from. */
  readonly from?: string | undefined
  readonly signal?: AbortSignal
  /** Told of linears whose base was compared. */
  readonly report?: (done: number, total: number) => void
}

/**
 * Says whether an adapter belongs on a base: keys, shapes, scaling, finite factors, and the fingerprint of the base as
 * quantized again from the checkpoint, or as the pre-quantized checkpoint holds it that the adapter was made for.
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
  const read = await readAdapterDirectory(adapter)
  const proof = await findProof(from ?? adapter, from !== undefined)
  const stored = proof?.fingerprint.algorithm === STORED_FINGERPRINT_ALGORITHM
  const checkpoint = await (stored || proof === undefined ? Checkpoint.openAny(model) : Checkpoint.open(model))
  try {
    const architecture = readArchitecture(checkpoint.config, `${checkpoint.directory}/config.json`)
    const parts = new ModelParts(architecture)
    const linears = listLinears(parts)
    const checks = [
      checkKeys(read, architecture, linears),
      checkShapes(read, architecture, linears),
      checkScaling(read, proof),
      checkFinite(read),
      await checkBase(proof, checkpoint, architecture, observed(linears, signal, report))
    ]
    const notes = [...(await baseNotes(read, checkpoint.directory)), ...otherNotes(read)]
    return { ...verdictOf(checks, read), checks, notes }
  } finally {
    await checkpoint.close()
  }
}

/** Linears whose use is told of, and ends when the caller gives up. */
interface Observed {
  readonly linears: readonly PreparedLinear[]
  readonly next: (index: number) => Promise<void>
}

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
  const named = `adapter_config.json names ${JSON.stringify(baseModel)} as the base`
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

/** The fingerprint of the base. */
async function checkBase(
  proof: ProofFields | undefined,
  checkpoint: Checkpoint,
  architecture: ModelArchitecture,
  linears: Observed
): Promise<Check> {
  if (proof === undefined) {
    const reason = `there is no ${PROOF_FILE} beside it, which PEFT does not copy when it saves`
    return unknown(
      'fingerprint',
      `which base it was made for cannot be said: ${reason}; name the adapter that it was trained from with --from`
    )
  }
  return proof.fingerprint.algorithm === STORED_FINGERPRINT_ALGORITHM
    ? checkStoredBase(proof, checkpoint, architecture, linears)
    : checkFingerprint(proof, new ModelWeights(checkpoint, architecture), linears)
}

/** Compares, linear by linear, the digests of a base with those of the one that the adapter was made for. */
async function compareBase(
  { fingerprint }: ProofFields,
  { linears, next }: Observed,
  digestOf: (linear: PreparedLinear) => Promise<LinearFingerprint>
): Promise<Check> {
  const expected = new Map(fingerprint.linears.map((linear) => [linear.name, linear]))
  const digests: LinearFingerprint[] = []
  for (const [index, linear] of linears.entries()) {
    await next(index)
    const digest = await digestOf(linear)
    const made = expected.get(linear.path)
    if (made?.codes !== digest.codes || made.absmax !== digest.absmax) {
      return failed('fingerprint', `${linear.path} quantizes to other values than those that the adapter was made for`)
    }
    digests.push(digest)
  }
  const { codes, absmax } = fingerprintModel(digests)
  const same = codes === fingerprint.codes && absmax === fingerprint.absmax && digests.length === expected.size
  return same
    ? passed('fingerprint', `${quantizerWords(provenBase(fingerprint))}: codes ${codes.slice(0, 16)}…`)
    : failed('fingerprint', 'the list of linears is not the one that the adapter was made for')
}

/** Quantizes the base again. */
function checkFingerprint(proof: ProofFields, weights: ModelWeights, linears: Observed): Promise<Check> {
  const base = provenBase(proof.fingerprint)
  const quantizer = quantizerFor(base)
  const spec = QuantizerSpec.parse({ format: base.format, ...scaleOptions(base) })
  return compareBase(proof, linears, async (linear) => {
    const weight = await weights.readLinear(linear.path, linear)
    return fingerprintLinear(linear.path, quantizer.quantize(weight, spec, linear.inFeatures))
  })
}

/** Reads what a pre-quantized checkpoint holds. */
async function checkStoredBase(
  proof: ProofFields,
  checkpoint: Checkpoint,
  architecture: ModelArchitecture,
  linears: Observed
): Promise<Check> {
  if (!isQuantized(checkpoint.config)) {
    const expected = `the pre-quantized checkpoint ${proof.fingerprint.base ?? ''} that the adapter was made for`
    return failed('fingerprint', `${checkpoint.directory} is in full precision; give ${expected}`)
  }
  const base = await StoredBase.of(checkpoint, architecture)
  return compareBase(proof, linears, async (linear) => {
    await base.check(linear)
    return (await base.read(linear)).fingerprint
  })
}
