import type { ExpertsNote } from '../../shared/expertsNote'
import type { KeptLinears } from '../../shared/keptLinears'
import type { TextTower } from '../../shared/textTower'
import type { Value } from '../graph/graphBuilder'
import type { ConfigReader } from './configReader'
import type { LayerBuilder } from './layerBuilder'
import type { WrittenParts } from './writtenParts'

/** A table of embeddings, a row for each token. */
export interface EmbeddingTable {
  readonly name: string
  readonly rows: number
  readonly columns: number
  /** The row of tokens that it has none for; left out where it has one for each. */
  readonly rowBeyond?: number
}

/** A model as the streaming pass needs it: where its tensors are, and how one block computes. */
export interface ModelArchitecture {
  readonly family: string
  readonly hiddenSize: number
  /** Values of each token that blocks hand on behind its hidden state, for later blocks; 0 when left out. */
  readonly carriedSize?: number
  readonly vocabularySize: number
  /** Tokens that the positions reach. */
  readonly contextLimit: number
  readonly blocks: number
  /** Prefix of tensor names that checkpoints of the bare model leave out, such as `model.`; empty where none is. */
  readonly basePrefix: string
  /** Token embedding [vocabulary, embeddingSize]. */
  readonly embedding: string
  /** A second embedding of the same tokens. */
  readonly secondEmbedding?: EmbeddingTable
  /** Output head [vocabulary, embeddingSize], as checkpoints name it. */
  readonly head: string
  /** Bias of the head, [vocabulary], where it has one. */
  readonly headBias?: string
  /** Another name of the head in checkpoints. */
  readonly headAlias?: string
  /** Other beginnings that names have in checkpoints, by the beginning that they stand for. */
  readonly storedPrefixes?: Readonly<Record<string, readonly string[]>>
  /** The name under which transformers writes a tensor, where that is not the one in its model; both may be in checkpoints. */
  fileName?(name: string): string
  /** Further names that a tensor may have in checkpoints. */
  otherNames?(name: string): readonly string[]
  /** Of a tensor whose rows are in files under several names, behind each other: those names; files may hold it whole, too. */
  cutInto?(name: string): readonly string[] | undefined
  /** Present where some blocks have experts. */
  readonly experts?: ExpertsNote
  /** Last names of linears that no adapter reaches: the trainer quantizes them all the same. */
  readonly unreached?: ReadonlySet<string>
  /** Why transformers loads no base that was stored, where it does not. */
  readonly noStoredBase?: string
  /** Why trainers fail on a base in int8, where they do. */
  readonly failsInInt8?: string
  /** Linears that a base has to leave in full precision, as it could not be trained otherwise. */
  readonly kept?: KeptLinears
  /** Ids of tokens in whose place the model around a text model puts what it sees and hears, with the keys that give them. */
  readonly placeholders?: ReadonlyMap<number, string>
  /** Present where this is the text model inside of another, of which nothing else is read. */
  readonly tower?: TextTower
  /** What transformers writes of that other model. */
  readonly written?: WrittenParts
  /** Whether config.json ties the head to the embedding; what the files hold decides, see `ModelWeights.storedName`. */
  readonly tiedHead: boolean
  /** The same as transformers 4 reads it, where that is something else. */
  readonly tiedHeadIn4?: boolean
  /** Width of embedding and head; hiddenSize in nearly every model. */
  readonly embeddingSize: number
  /** Logits are squeezed to cap · tanh(logit / cap). */
  readonly logitSoftcap?: number | undefined
  /** Module path of a block, as in the loaded model: `model.layers.0`. */
  blockPath(index: number): string
  /**
   * Adds one block to a graph. Linears and parameters are named relative to the block; linears that are given the same
   * value share one second moment.
   *
   * @param hidden - [tokens, stateSize]: hidden states, and behind them what blocks hand on
   * @returns the same for the next block
   */
  buildBlock(layer: LayerBuilder, hidden: Value, index: number): Value
  /**
   * Adds what lies between the token embedding [tokens, embeddingSize] and the first block; where it is left out the
   * embedding is the first hidden state. Parameters are named by their full path.
   *
   * @param second - rows of `secondEmbedding`, where there is one
   */
  buildEmbedding?(layer: LayerBuilder, embedded: Value, second?: Value): Value
  /** Adds what lies between the last block [tokens, stateSize] and the head; the result is [tokens, embeddingSize]. */
  buildFinalNorm(layer: LayerBuilder, hidden: Value): Value
}

/** Values of each token between two blocks. */
export const stateSize = ({ hiddenSize, carriedSize = 0 }: ModelArchitecture): number => hiddenSize + carriedSize

/** The modules that a trainer has to be told to leave in full precision, the head first; undefined where it need not be told. */
export const skippedModules = ({ kept, head }: ModelArchitecture): string[] | undefined =>
  kept && [head.replace(/\.weight$/, ''), ...kept.names]

/** Every table of embeddings; the first is the one that a tied head is. */
export const embeddingTables = (architecture: ModelArchitecture): EmbeddingTable[] => {
  const { embedding: name, vocabularySize: rows, embeddingSize: columns, secondEmbedding } = architecture
  return [{ name, rows, columns }, ...(secondEmbedding === undefined ? [] : [secondEmbedding])]
}

/** A family of models: which `model_type` it serves and how its config.json is read. */
export interface Family {
  readonly modelTypes: readonly string[]
  /** What its config class makes of a config.json: the attributes that matter, under their names, as plain data. */
  settings(config: ConfigReader): Readonly<Record<string, unknown>>
  read(config: ConfigReader): ModelArchitecture
}

/** A family whose architecture follows from its settings alone. */
export const defineFamily = <S extends Readonly<Record<string, unknown>>>(family: {
  readonly modelTypes: readonly string[]
  /** @throws {AppError} BAD_INPUT naming a key whose value the family cannot use */
  settings(config: ConfigReader): S
  build(settings: S): ModelArchitecture
  /** Refuses settings that can be read but not built; `where` is how messages name the file. */
  check?(settings: NoInfer<S>, where: string, config: ConfigReader): void
}): Family => ({
  modelTypes: family.modelTypes,
  settings: (config) => family.settings(config),
  read(config) {
    const settings = family.settings(config)
    family.check?.(settings, config.where, config)
    return family.build(settings)
  }
})
