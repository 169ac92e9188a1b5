import { join } from 'node:path'
import { setImmediate as eventLoopTurn } from 'node:timers/promises'
import type { Verification } from '../../shared/plan'
import { provenBase, quantizerWords, scaleOptions } from '../../shared/quantizerWords'
import { QuantizerSpec } from '../../shared/recipe'
import type { LinearFingerprint } from '../../shared/runFolder'
import { PROOF_FILE, type ProofFields, readProof } from '../formats/adapterProof'
import { Checkpoint } from '../formats/checkpoint'
import { isQuantized } from '../formats/checkpointFiles'
import { adapterTensorName, type ReadAdapter, readAdapterDirectory } from '../formats/peftAdapter'
import type { ModelArchitecture } from '../models/architecture'
import { BlockRunner } from '../models/blockRunner'
import { ModelWeights } from '../models/modelWeights'
import { readArchitecture } from '../models/registry'
import { selectTargets } from '../models/targets'
import { firstNonFinite } from '../numerics/matrix'
import { fingerprintLinear, fingerprintModel, STORED_FINGERPRINT_ALGORITHM } from '../quantizers/fingerprint'
import { quantizerFor } from '../quantizers/registry'
import { adapterInside } from './checkpointFindings'
import { listLinears, type PreparedLinear } from './prepareRun'
import { StoredBase } from './storedBase'

type Check = Verification['checks'][number]

export interface VerifyOptions {
  readonly signal?: AbortSignal
  /** Told of linears whose base was compared. */
  readonly report?: (done: number, total: number) => void
}

/**
 * Says whether an adapter belongs on a base: keys, shapes, scaling, finite factors, and the fingerprint of the base as
 * quantized again from the checkpoint, or as the pre-quantized checkpoint holds it that the adapter was made for.
 *
 * @throws {AppError} BAD_INPUT or BAD_FORMAT when one of the two cannot be read at all
 */
export async function verifyAdapter(
  adapter: string,
  model: string,
  { signal, report }: VerifyOptions = {}
): Promise<Verification> {
  const read = await readAdapterDirectory(adapter)
  const proof = await readProof(join(adapter, PROOF_FILE))
  const stored = proof.fingerprint.algorithm === STORED_FINGERPRINT_ALGORITHM
  const checkpoint = await (stored ? Checkpoint.openAny(model) : Checkpoint.open(model))
  try {
    const architecture = readArchitecture(checkpoint.config, `${checkpoint.directory}/config.json`)
    const runner = new BlockRunner(architecture, Math.min(2, architecture.contextLimit), 'cpu')
    const linears = listLinears(architecture, runner)
    const weights = new ModelWeights(checkpoint, architecture)
    const checks = [
      checkKeys(read, linears),
      checkShapes(read, linears),
      checkScaling(read, proof),
      checkFinite(read),
      stored
        ? await checkStoredBase(proof, checkpoint, architecture, observed(linears, signal, report))
        : await checkFingerprint(proof, weights, observed(linears, signal, report))
    ]
    const failed = checks.filter(({ ok }) => !ok)
    const fits = failed.length === 0
    const summary = fits
      ? `the adapter fits: ${read.tensors.size / 2} linears, rank ${read.settings.rank}, base quantized as it was made for`
      : `the adapter does not fit: ${failed.map(({ detail }) => detail).join('; ')}`
    const notes = (await adapterInside(checkpoint.directory)).map(({ message }) => message)
    return { fits, summary, checks, notes }
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
    await eventLoopTurn() // a thread busy with arithmetic reads no messages: let a cancel arrive
    signal?.throwIfAborted()
    report?.(index, linears.length)
  }
})

function checkKeys({ tensors, settings }: ReadAdapter, linears: readonly PreparedLinear[]): Check {
  const paths = linears.map(({ path }) => path)
  const modules = new Set([...tensors.values()].map(({ module }) => module))
  const unknown = [...modules].find((module) => !paths.includes(module))
  if (unknown !== undefined) return failed('keys', `${unknown} is no linear of this model`)
  const targets =
    settings.targetModules.join() === 'all-linear' ? new Set(paths) : selectTargets([...settings.targetModules], paths)
  const missing = [...targets].find((path) => !modules.has(path))
  if (missing !== undefined) return failed('keys', `${missing} is a target but has no factors`)
  const extra = [...modules].find((path) => !targets.has(path))
  if (extra !== undefined) return failed('keys', `${extra} has factors but is no target`)
  return passed('keys', `${modules.size} linears, each with lora_A and lora_B`)
}

function checkShapes({ tensors, settings: { rank } }: ReadAdapter, linears: readonly PreparedLinear[]): Check {
  for (const { path, inFeatures, outFeatures } of linears) {
    const a = tensors.get(adapterTensorName(path, 'A'))
    const b = tensors.get(adapterTensorName(path, 'B'))
    if (a !== undefined && a.shape.join() !== `${rank},${inFeatures}`) {
      return failed('shapes', `${path}: lora_A is [${a.shape}], expected [${rank},${inFeatures}]`)
    }
    if (b !== undefined && b.shape.join() !== `${outFeatures},${rank}`) {
      return failed('shapes', `${path}: lora_B is [${b.shape}], expected [${outFeatures},${rank}]`)
    }
  }
  return passed('shapes', `every lora_A is [${rank}, in], every lora_B [out, ${rank}]`)
}

function checkScaling({ settings }: ReadAdapter, { variant }: ProofFields): Check {
  const { rank, alpha, rslora } = settings
  const describe = (r: number, a: number, rs: boolean) => `lora_alpha ${a}, r ${r}${rs ? ', rank-stabilised' : ''}`
  const found = describe(rank, alpha, rslora)
  const made = describe(variant.rank, variant.alpha, variant.rslora)
  return found === made
    ? passed('scaling', found)
    : failed('scaling', `adapter_config.json says ${found}, the factors were made for ${made}`)
}

function checkFinite({ tensors }: ReadAdapter): Check {
  for (const [name, { data }] of tensors) {
    const index = firstNonFinite(data)
    if (index >= 0) return failed('finite', `${name} holds ${data[index]} at ${index}`)
  }
  return passed('finite', 'every factor is finite')
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

const passed = (name: string, detail: string): Check => ({ name, ok: true, detail })
const failed = (name: string, detail: string): Check => ({ name, ok: false, detail })
