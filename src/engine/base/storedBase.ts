import { join } from 'node:path'
import { badFormat, badInput } from '../../shared/errors'
import { skipArgument } from '../../shared/keptLinears'
import { quantizerKey } from '../../shared/quantizerWords'
import type { QuantizerSpec } from '../../shared/recipe'
import { Checkpoint } from '../formats/checkpoint'
import { CONFIG_FILE } from '../formats/checkpointFiles'
import { encodeFloats, isFloatDtype } from '../formats/dtypes'
import { sha256 } from '../formats/files'
import { readQuantizationConfig } from '../formats/quantizationConfig'
import { type ModelArchitecture, skippedModules } from '../models/architecture'
import type { ModelLinear } from '../models/modelTensors'
import { ModelWeights, storedShape } from '../models/modelWeights'
import { fingerprintLinear } from '../quantizers/fingerprint'
import { quantizedWeights, readFourBit, readQuantState } from '../quantizers/storedFourBit'
import type { BaseWeight } from './baseWeight'

/**
 * A pre-quantized checkpoint as the base: Q is what the codes in its files stand for. A linear that it keeps in full precision has that
 * weight as its Q.
 */
export class StoredBase {
  private constructor(
    readonly checkpoint: Checkpoint,
    readonly spec: QuantizerSpec,
    readonly weights: ModelWeights
  ) {}

  /**
   * Opens the base of a model.
   *
   * @param modelType - `model_type` of the full-precision checkpoint
   * @throws {AppError} BAD_INPUT for a directory that is no 4-bit checkpoint of bitsandbytes, or one of another model;
   *   BAD_FORMAT for a damaged one
   */
  static async open(directory: string, modelType: unknown, architecture: ModelArchitecture): Promise<StoredBase> {
    const checkpoint = await Checkpoint.openAny(directory)
    try {
      const base = await StoredBase.of(checkpoint, architecture)
      const found = checkpoint.config.model_type
      if (found === modelType) return base
      throw badInput(`the base ${directory} is a ${String(found)}, the model is a ${String(modelType)}`)
    } catch (error) {
      await checkpoint.close()
      throw error
    }
  }

  /** The base that an open checkpoint holds. @throws {AppError} as `open` */
  static async of(checkpoint: Checkpoint, architecture: ModelArchitecture): Promise<StoredBase> {
    return new StoredBase(checkpoint, await specOf(checkpoint), new ModelWeights(checkpoint, architecture))
  }

  /**
   * Checks that a linear is there as the model has it.
   *
   * @throws {AppError} BAD_FORMAT naming the tensor, what was found and what was expected
   */
  async check(linear: ModelLinear): Promise<void> {
    const { path, outFeatures, inFeatures } = linear
    const { directory } = this.checkpoint
    const state = await this.#state(path)
    if (state === undefined) {
      this.weights.find(`${path}.weight`, storedShape(linear))
      return
    }
    if (state.shape.join() !== `${outFeatures},${inFeatures}`) {
      const expected = `the model's is [${outFeatures},${inFeatures}]`
      throw badFormat(`${directory}: ${path} was quantized from a weight of shape [${state.shape}], ${expected}`)
    }
    if (quantizerKey(state.spec) === quantizerKey(this.spec)) return
    const expected = `others and config.json say ${quantizerKey(this.spec)}`
    throw badFormat(`${directory}: ${path} is quantized as ${quantizerKey(state.spec)}, ${expected}`)
  }

  /**
   * Refuses a base that quantizes more of the blocks than these linears: experts, or what has to stay in full precision, which
   * Quail computes so.
   *
   * @throws {AppError} BAD_INPUT naming the first such tensor
   */
  refuseOthers(linears: readonly (ModelLinear & { readonly name: string })[], architecture: ModelArchitecture): void {
    const known = new Set(linears.map(({ path }) => this.#stored(path)))
    const blocks = new Set(linears.map(({ path, name }) => this.#stored(path).slice(0, -`${name}.weight`.length)))
    const inBlock = (name: string) => [...blocks].some((block) => name.startsWith(block))
    const other = quantizedWeights(this.checkpoint).find((name) => !known.has(name) && inBlock(name))
    if (other === undefined) return
    const { kept } = architecture
    const isKept = kept?.names.some((name) => other.endsWith(`.${name}.weight`))
    const expected = isKept
      ? `${kept?.why}; expected one in full precision there, made with ${skipArgument(skippedModules(architecture) ?? [])}`
      : 'a base of transformers 5 keeps experts and router in full precision, and so does Quail'
    throw badInput(`the base ${this.checkpoint.directory} holds ${other} quantized; ${expected}`)
  }

  /** What it has of a linear, as `check` accepts it. */
  async read(linear: ModelLinear): Promise<BaseWeight> {
    const { path } = linear
    const state = await this.#state(path)
    if (state === undefined) {
      const held = await this.weights.readLinear(path, linear)
      return { held, fingerprint: { name: path, codes: sha256(encodeFloats(held, 'F32')), absmax: sha256('') } }
    }
    const held = await readFourBit(this.checkpoint, this.#stored(path), state)
    return { held, fingerprint: fingerprintLinear(path, held) }
  }

  /** The first values that it has of a linear, row-major: their codes, packed, or themselves where it keeps them in full precision. */
  async readBeginning(linear: ModelLinear, count: number): Promise<Uint8Array | Float32Array> {
    const state = await this.#state(linear.path)
    return state === undefined
      ? this.weights.readLinearBeginning(linear.path, linear, count)
      : this.checkpoint.readBytes(this.#stored(linear.path), Math.ceil(count / 2))
  }

  /**
   * The tensors of these linears that hold floating-point values: scales, and weights in full precision. Codes are none, by
   * whatever dtype they are stored (bnb_4bit_quant_storage): as numbers, some would be NaN.
   */
  floatTensors(linears: readonly ModelLinear[]): string[] {
    const weights = new Set(linears.map(({ path }) => this.#stored(path)))
    const codes = new Set(quantizedWeights(this.checkpoint))
    return [...this.checkpoint.tensors.values()]
      .filter(({ name, dtype }) => isFloatDtype(dtype) && weights.has(name.replace(/(\.weight)\..*$/, '$1')))
      .filter(({ name }) => !codes.has(name))
      .map(({ name }) => name)
  }

  async close(): Promise<void> {
    await this.checkpoint.close()
  }

  #state(path: string) {
    return readQuantState(this.checkpoint, this.#stored(path))
  }

  #stored(path: string): string {
    return this.weights.storedName(`${path}.weight`)
  }
}

/** The quantizer that config.json and the first quantized weight agree on. */
async function specOf(checkpoint: Checkpoint): Promise<QuantizerSpec> {
  const { directory, config } = checkpoint
  const where = join(directory, CONFIG_FILE)
  const stated = readQuantizationConfig(config, where)
  if (stated === undefined) {
    throw badInput(`the base ${directory} is in full precision: ${CONFIG_FILE} has no quantization_config`)
  }
  const [first] = quantizedWeights(checkpoint)
  const state = first === undefined ? undefined : await readQuantState(checkpoint, first)
  if (state === undefined) throw badFormat(`the base ${directory} holds no quantized weight`)
  const { spec } = state
  if (quantizerKey(spec) === quantizerKey({ ...spec, ...stated })) return spec
  const said = quantizerKey({ ...spec, ...stated })
  throw badFormat(`${where} says ${said}, but ${first} is quantized as ${quantizerKey(spec)}`)
}
