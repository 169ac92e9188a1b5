import type { QuantizerSpec } from './recipe'
import type { TextTower } from './textTower'

/*
 * What is known of a checkpoint from its headers, its config and its tokenizer: no weight has been read.
 */

/** What a tensor is to the model, and so to quantization. */
export const TENSOR_ROLES = ['quantized', 'experts', 'embedding', 'head', 'norm', 'bias', 'other', 'unused'] as const
export type TensorRole = (typeof TENSOR_ROLES)[number]

/** Why tensors of a role are, or are not, quantized; for people. */
export const ROLE_REASONS: Readonly<Record<TensorRole, string>> = {
  quantized: 'linears of the blocks: bitsandbytes quantizes them, and an adapter repairs them',
  experts:
    'experts, and routers that are no linears: transformers 5 holds them in modules of their own, which bitsandbytes does not quantize',
  embedding: 'token embedding: its rows are looked up, not multiplied, so bitsandbytes leaves it alone',
  head: 'output head: transformers keeps it out of quantization, because every logit comes through it',
  norm: 'norms and other vectors: bitsandbytes quantizes only the matrices of linears',
  bias: 'biases of linears: added after the product, in full precision',
  other: 'positions, convolutions, and projections that no adapter repairs',
  unused: 'not read: buffers that are computed anew, copies of tied weights, or parts that Quail does not run'
}

export interface InspectedTensor {
  readonly name: string
  readonly dtype: string
  readonly shape: readonly number[]
  /** The weight file that holds it. */
  readonly file: string
  readonly bytes: number
  /** Undefined where the model could not be understood. */
  readonly role?: TensorRole
}

export interface InspectedModel {
  readonly family: string
  /** Present where only the text model inside of another is read. */
  readonly tower?: TextTower
  readonly blocks: number
  readonly hiddenSize: number
  readonly vocabularySize: number
  readonly contextLimit: number
  readonly tiedHead: boolean
  readonly linears: readonly { readonly name: string; readonly shape: readonly [number, number] }[]
  /** In one line: `BPE, 4096 tokens`. */
  readonly tokenizer: string
  /** What is quantized and what is not, in the order of TENSOR_ROLES; roles without a tensor are left out. */
  readonly roles: readonly RoleSummary[]
}

export interface RoleSummary {
  readonly role: TensorRole
  readonly tensors: number
  readonly parameters: number
}

export interface SpecialToken {
  readonly text: string
  readonly id: number
}

/** A text of which AutoTokenizer of transformers 5 makes other tokens, since the class builds a tokenizer of its own. */
export interface RebuiltFacts {
  readonly className: string
  readonly text: string
}

/** In words, for the lists of what a person should know. */
export const describeRebuilt = ({ className, text }: RebuiltFacts): string =>
  `AutoTokenizer of transformers 5 builds ${className} in the place of this tokenizer.json, and makes other tokens of ` +
  `some texts, ${JSON.stringify(text)} for one; Quail executes the file, as transformers 4 does: train with ` +
  'PreTrainedTokenizerFast.from_pretrained to get the same tokens'

export interface TokenizerFacts {
  /** BPE, Unigram, WordPiece, … */
  readonly kind: string
  readonly vocabularySize: number
  /** Parts of tokenizer.json by their type, as `ByteLevel`; a sequence is joined by ` → `; null where there is none. */
  readonly normalizer: string | null
  readonly preTokenizer: string | null
  readonly postProcessor: string | null
  /** Added tokens that are marked special, in the order of their ids; at most 512. */
  readonly specialTokens: readonly SpecialToken[]
  readonly addedTokens: number
  readonly bos: SpecialToken | null
  readonly eos: SpecialToken | null
  readonly pad: SpecialToken | null
  readonly unknown: SpecialToken | null
  /** What the post-processor puts before and after a text. */
  readonly before: readonly SpecialToken[]
  readonly after: readonly SpecialToken[]
  /** Where AutoTokenizer of transformers 5 cuts texts otherwise than tokenizer.json says. */
  readonly rebuilt?: RebuiltFacts | undefined
}

/** A chat template as the checkpoint holds it; the text is not trusted and never executed by inspecting. */
export interface ChatTemplateFacts {
  /** `default`, or the name of an additional template. */
  readonly name: string
  /** File of the checkpoint that holds it. */
  readonly file: string
  /** SHA-256 of the text as UTF-8. */
  readonly sha256: string
  readonly text: string
  /** Whether it writes the day on which it is rendered (strftime_now). */
  readonly readsDate: boolean
}

/** What a run notes of the templates that render its conversations. */
export type ChatTemplateNote = Pick<ChatTemplateFacts, 'sha256' | 'readsDate'>

/** How the linears of a pre-quantized checkpoint were quantized. */
export interface StoredQuantization extends QuantizerSpec {
  /** Linears that are stored as codes. */
  readonly linears: number
  /** Bytes of these codes, of which each holds two. */
  readonly packedBytes: number
}

/** What `quail inspect` and the models page show of a checkpoint, or of one weight file. */
export interface Inspection {
  readonly path: string
  readonly files: readonly { readonly name: string; readonly bytes: number; readonly tensors: number }[]
  readonly parameters: number
  readonly bytes: number
  /** Parameters by dtype. */
  readonly dtypes: Readonly<Record<string, number>>
  readonly tensors: readonly InspectedTensor[]
  /** `model_type` of config.json, whether Quail knows it or not. */
  readonly modelType?: string
  readonly model?: InspectedModel
  /** Present where the linears are stored as 4-bit codes of bitsandbytes; `model` is then left out. */
  readonly quantization?: StoredQuantization
  readonly tokenizer?: TokenizerFacts
  /** The one that transformers uses first; empty where the checkpoint has none. */
  readonly chatTemplates: readonly ChatTemplateFacts[]
  /** As README.md or config.json names it. */
  readonly licence?: string
  /** Why the checkpoint cannot be prepared, one sentence each; empty when it can. */
  readonly problems: readonly string[]
  /** What a trainer could load from it otherwise than Quail does, with what mends it, one sentence each. */
  readonly warnings: readonly string[]
}

/** The short form for lists: no tokenizer is built and no tensor is listed. */
export interface ModelSurvey {
  readonly modelType: string | null
  readonly family: string | null
  readonly parameters: number | null
  /** Bytes of the weight files. */
  readonly bytes: number | null
  readonly dtypes: readonly string[]
  /** It can render conversations. */
  readonly chatTemplate: boolean
  /** Shards that the index names and that are not there. */
  readonly missingShards: number
  readonly problems: readonly string[]
}
