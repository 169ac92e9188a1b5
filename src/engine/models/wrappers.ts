import { cohere, cohere2 } from './cohere'
import { cohere2Moe } from './cohere2Moe'
import { paddleOcrText } from './ernie'
import { exaone4 } from './exaone4'
import { gemma3 } from './gemma'
import { gemma3n } from './gemma3n'
import { gemma4, gemma4Unified } from './gemma4'
import { glm4vMoeText, glm4vText, glmOcrText } from './glmVl'
import { gptOss } from './gptOss'
import { granite, granite4VisionText, graniteDoclingText } from './granite'
import { hunyuanVlText } from './hunyuan'
import { hyperclovax } from './hyperclovax'
import { lfm2 } from './lfm2'
import { lfm3 } from './lfm3'
import { llama } from './llama'
import { llama4 } from './llama4'
import { ministral3 } from './ministral3'
import { mistral } from './mistral'
import { mistral4 } from './mistral4'
import { qwen2, qwen3 } from './qwen'
import { qwen3Moe } from './qwen3Moe'
import { qwen35MoeText, qwen35Text } from './qwenHybrid'
import { qwen2VlText, qwen3VlMoeText, qwen3VlText, qwen25VlText } from './qwenVl'
import { flag, orNull } from './settings'
import { INSIDE, namesOf, type Wrapper } from './textTower'

/**
 * Names in files, by the beginning of a module's name: what transformers wrote before 4.52 and writes again from 5 on, and
 * what it writes of the model without head. Source: conversion_mapping.py, llava; in 4.57 _checkpoint_conversion_mapping.
 */
const LLAVA_NAMES = { [INSIDE]: ['language_model.model.', 'language_model.'], 'lm_head.': ['language_model.lm_head.'] }

/** What transformers 5 writes of such models; 4 called the tower's modules `vision_model`. */
const LLAVA_WRITTEN = {
  text: { [INSIDE]: 'language_model.model.', 'lm_head.': 'language_model.lm_head.' },
  others: ['vision_tower.', 'multi_modal_projector.'],
  renamed: {
    'vision_tower.vision_model.': 'vision_tower.',
    'model.vision_tower.vision_model.': 'vision_tower.',
    'model.vision_tower.': 'vision_tower.',
    'model.multi_modal_projector.': 'multi_modal_projector.'
  }
}

/** The same with a vector that ends the rows of an image. Source: conversion_mapping.py, llava_next. */
const LLAVA_NEXT_WRITTEN = {
  ...LLAVA_WRITTEN,
  others: [...LLAVA_WRITTEN.others, 'image_newline'],
  renamed: { ...LLAVA_WRITTEN.renamed, 'model.image_newline': 'image_newline' }
}

const LLAVA = { stored: LLAVA_NAMES, written: LLAVA_WRITTEN, loader: 'AutoModelForImageTextToText' } as const

/** Two towers, one for films. */
const VIDEO_LLAVA_WRITTEN = {
  text: LLAVA_WRITTEN.text,
  others: ['image_tower.', 'video_tower.', 'multi_modal_projector.'],
  renamed: {
    ...Object.fromEntries(
      ['image_tower.', 'video_tower.'].flatMap((tower) =>
        [`${tower}vision_model.`, `model.${tower}vision_model.`, `model.${tower}`].map((name) => [name, tower])
      )
    ),
    'model.multi_modal_projector.': 'multi_modal_projector.'
  }
}

/** Heads that predict further tokens, which engines read and transformers does not. */
const FURTHER_TOKENS = ['mtp.']

/** A model whose files have the names of its modules; 4 called those of some towers `vision_model`. */
const asCalled = (
  others: readonly string[],
  { text, unread = [] }: { text?: string; unread?: readonly string[] } = {}
) =>
  ({
    ...namesOf(text),
    written: {
      text: {},
      others,
      unread,
      renamed: Object.fromEntries(
        ['model.vision_tower.', 'model.vision_model.'].map((tower) => [`${tower}vision_model.`, tower])
      )
    },
    loader: 'AutoModelForImageTextToText'
  }) as const

/** LLaVA's modules, in files under their own names. */
const PROJECTED = asCalled(['model.vision_tower.', 'model.multi_modal_projector.'])

/** What Idefics and SmolVLM call the text model. */
const TEXT_MODEL = 'model.text_model.'
const IDEFICS2 = { max_position_embeddings: 32_768, rms_norm_eps: 1e-5 }
const IDEFICS = {
  absent: { rms_norm_eps: 1e-5 },
  tiedHead: flag(false),
  ...asCalled(['model.vision_model.', 'model.connector.'], { text: TEXT_MODEL })
}

/** The text model that is meant where a config.json has no `text_config`. */
const LIGHTON_OCR = {
  head_dim: 128,
  hidden_size: 1024,
  intermediate_size: 3072,
  max_position_embeddings: 40_960,
  num_attention_heads: 16,
  num_hidden_layers: 28,
  num_key_value_heads: 8,
  rms_norm_eps: 1e-6,
  rope_theta: 1_000_000,
  sliding_window: null,
  vocab_size: 151_936
}

/** The text model of Mistral Small 3.1, which is meant where a config.json has no `text_config`. */
const MISTRAL_SMALL = {
  head_dim: 128,
  hidden_size: 5120,
  intermediate_size: 32_768,
  max_position_embeddings: 131_072,
  num_hidden_layers: 40,
  rms_norm_eps: 1e-5,
  rope_theta: 1_000_000_000,
  sliding_window: null,
  vocab_size: 131_072
}

/** The text model that is meant where a config.json of GOT-OCR 2 has no `text_config`. */
const GOT_OCR2 = {
  hidden_size: 1024,
  intermediate_size: 2816,
  max_window_layers: 21,
  num_attention_heads: 16,
  num_hidden_layers: 24,
  num_key_value_heads: 16,
  rope_theta: 1_000_000,
  tie_word_embeddings: true,
  vocab_size: 151_860
}

/** The same of FastVLM. */
const FAST_VLM = {
  hidden_size: 3584,
  intermediate_size: 18_944,
  num_attention_heads: 28,
  num_hidden_layers: 28,
  num_key_value_heads: 4,
  vocab_size: 152_128
}

/** A text model with its head, as it is by itself, inside of the other. */
const LLAMA4 = { text: 'language_model.model.', head: 'language_model.lm_head.weight' } as const

/** What transformers wrote before 4.52, and writes again from 5 on. Source: conversion_mapping.py, Qwen2VL. */
const QWEN2_VL = {
  tiedHead: flag(false),
  placeholders: { image_token_id: 151_655, video_token_id: 151_656 },
  textTies: 'too',
  flat: true,
  stored: { [INSIDE]: ['model.', 'language_model.'] },
  written: { text: { [INSIDE]: 'model.' }, others: ['visual.'], renamed: { 'model.visual.': 'visual.' } },
  loader: 'AutoModelForImageTextToText'
} as const

const QWEN3_VL = {
  tiedHead: flag(false),
  placeholders: { image_token_id: 151_655, video_token_id: 151_656 },
  stored: { [INSIDE]: ['language_model.'] },
  loader: 'AutoModelForImageTextToText'
} as const

const GEMMA4 = {
  tiedHead: flag(true),
  ownLogits: true,
  placeholders: { image_token_id: 258_880, video_token_id: 258_884, audio_token_id: 258_881 },
  stored: { [INSIDE]: ['language_model.'] },
  loader: 'AutoModelForCausalLM'
} as const

const QWEN3_5 = { image_token_id: 248_056, video_token_id: 248_057 }
const QWEN3_VISION = { text: {}, others: ['model.visual.'] }

const MINICPM = {
  placeholders: { image_token_id: null, video_token_id: null },
  ...asCalled(['model.vision_tower.', 'model.merger.'])
} as const

const GLM4V = {
  tiedHead: flag(false),
  placeholders: { image_token_id: 151_343, video_token_id: 151_344 },
  ...asCalled(['model.visual.'])
}

/** Models around a text model: a new one is an entry here. Sources: transformers' configuration_<type>, modeling_<type>. */
export const WRAPPERS: readonly Wrapper[] = [
  {
    modelType: 'gemma3',
    texts: [gemma3],
    tiedHead: orNull(flag, true),
    placeholders: { image_token_id: 262_144 },
    stored: LLAVA_NAMES,
    written: LLAVA_WRITTEN,
    loader: 'AutoModelForCausalLM'
  },
  {
    modelType: 'gemma3n',
    texts: [gemma3n],
    tiedHead: orNull(flag, true),
    ownLogits: true,
    placeholders: { image_token_id: 262_145, audio_token_id: 262_273 },
    embeddedElsewhere: { vision_config: 262_144, audio_config: 262_272 },
    stored: { [INSIDE]: ['language_model.'] },
    written: {
      text: {},
      others: ['model.vision_tower.', 'model.embed_vision.', 'model.audio_tower.', 'model.embed_audio.']
    },
    loader: 'AutoModelForCausalLM'
  },
  {
    modelType: 'gemma4',
    texts: [gemma4],
    ...GEMMA4,
    written: {
      text: {},
      others: ['model.vision_tower.', 'model.embed_vision.', 'model.audio_tower.', 'model.embed_audio.']
    }
  },
  {
    modelType: 'gemma4_unified',
    texts: [gemma4Unified],
    ...GEMMA4,
    written: { text: {}, others: ['model.vision_embedder.', 'model.embed_vision.'] }
  },
  {
    modelType: 'mistral3',
    texts: [mistral, ministral3, mistral4],
    absent: MISTRAL_SMALL,
    tiedHead: flag(true),
    placeholders: { image_token_id: 10 },
    stored: LLAVA_NAMES,
    written: LLAVA_WRITTEN,
    loader: 'AutoModelForImageTextToText'
  },
  {
    modelType: 'llava',
    texts: [llama, mistral, qwen2],
    tiedHead: flag(false),
    placeholders: { image_token_id: 32_000 },
    textTies: 'too',
    stored: LLAVA_NAMES,
    written: LLAVA_WRITTEN,
    loader: 'AutoModelForImageTextToText'
  },
  {
    modelType: 'llama4',
    texts: [llama4],
    tiedHead: flag(false),
    textTies: 'alone',
    places: LLAMA4,
    placeholders: { image_token_id: 200_092 },
    stored: { [LLAMA4.text]: [] },
    written: { text: {}, others: ['vision_model.', 'multi_modal_projector.'] },
    loader: 'AutoModelForImageTextToText'
  },
  { modelType: 'qwen2_vl', texts: [qwen2VlText], ...QWEN2_VL },
  { modelType: 'qwen2_5_vl', texts: [qwen25VlText], ...QWEN2_VL },
  { modelType: 'qwen3_vl', texts: [qwen3VlText], ...QWEN3_VL, written: QWEN3_VISION },
  { modelType: 'qwen3_vl_moe', texts: [qwen3VlMoeText], ...QWEN3_VL, written: QWEN3_VISION },
  {
    modelType: 'qwen3_5',
    texts: [qwen35Text],
    ...QWEN3_VL,
    placeholders: QWEN3_5,
    written: { ...QWEN3_VISION, unread: FURTHER_TOKENS }
  },
  {
    modelType: 'qwen3_5_moe',
    texts: [qwen35MoeText],
    ...QWEN3_VL,
    placeholders: QWEN3_5,
    written: { ...QWEN3_VISION, unread: FURTHER_TOKENS }
  },
  {
    modelType: 'llava_next',
    texts: [llama, mistral, qwen2, granite],
    tiedHead: flag(false),
    placeholders: { image_token_id: 32_000 },
    ...LLAVA,
    written: LLAVA_NEXT_WRITTEN
  },
  {
    modelType: 'llava_next_video',
    texts: [llama, mistral, qwen2],
    tiedHead: flag(false),
    textTies: 'too',
    placeholders: { image_token_id: 32_001, video_token_id: 32_000 },
    ...LLAVA,
    written: LLAVA_NEXT_WRITTEN
  },
  {
    modelType: 'llava_onevision',
    texts: [qwen2],
    tiedHead: flag(false),
    textTies: 'too',
    placeholders: { image_token_id: 151_646, video_token_id: 151_647 },
    ...LLAVA,
    written: LLAVA_NEXT_WRITTEN
  },
  { modelType: 'vipllava', texts: [llama], tiedHead: flag(false), placeholders: { image_token_id: 32_000 }, ...LLAVA },
  {
    modelType: 'video_llava',
    texts: [llama],
    tiedHead: flag(false),
    placeholders: { image_token_id: 32_000, video_token_id: 32_001 },
    ...LLAVA,
    written: VIDEO_LLAVA_WRITTEN
  },
  {
    modelType: 'internvl',
    texts: [qwen2, qwen3, llama, qwen3Moe, gptOss],
    tiedHead: flag(true),
    placeholders: { image_token_id: 151_667 },
    ...LLAVA
  },
  {
    modelType: 'aya_vision',
    texts: [cohere2, cohere],
    tiedHead: flag(true),
    placeholders: { image_token_id: 255_036 },
    ...LLAVA
  },
  {
    modelType: 'cohere2_vision',
    texts: [cohere2, cohere2Moe],
    tiedHead: flag(true),
    placeholders: { image_token_id: 255_036 },
    ...PROJECTED
  },
  { modelType: 'idefics2', texts: [mistral], placeholders: { image_token_id: 32_001 }, ...IDEFICS, absent: IDEFICS2 },
  { modelType: 'idefics3', texts: [llama], placeholders: { image_token_id: 128_257 }, ...IDEFICS },
  { modelType: 'smolvlm', texts: [llama], placeholders: { image_token_id: 128_257 }, ...IDEFICS },
  {
    modelType: 'lfm2_vl',
    texts: [lfm2],
    tiedHead: flag(true),
    tiedHeadAlias: 'tie_embedding',
    placeholders: { image_token_id: 396 },
    ...PROJECTED
  },
  {
    modelType: 'ovis2',
    texts: [qwen2],
    tiedHead: flag(true),
    placeholders: { image_token_id: 151_665 },
    ...asCalled(['model.vision_tower.', 'model.visual_embeddings_table.'])
  },
  {
    modelType: 'lighton_ocr',
    texts: [qwen3],
    absent: LIGHTON_OCR,
    tiedHead: flag(true),
    placeholders: { image_token_id: 151_655 },
    ...asCalled(['model.vision_encoder.', 'model.vision_projection.'])
  },
  {
    modelType: 'video_llama_3',
    texts: [qwen2],
    tiedHead: flag(false),
    textTies: 'too',
    placeholders: { image_token_id: 151_655, video_token_id: 151_656 },
    ...asCalled(['model.vision_model.', 'model.projector.'])
  },
  {
    modelType: 'exaone4_5',
    texts: [exaone4],
    renamedTexts: { exaone4_5_text: 'exaone4' },
    tiedHead: flag(false),
    placeholders: { image_token_id: 67, video_token_id: 68 },
    ...asCalled(['model.visual.'], { unread: FURTHER_TOKENS })
  },
  {
    modelType: 'deepseek_vl',
    texts: [llama],
    tiedHead: flag(true),
    placeholders: { image_token_id: 100_015 },
    ...asCalled(['model.vision_model.', 'model.aligner.'])
  },
  { modelType: 'glm4v', texts: [glm4vText], ...GLM4V, textTies: 'too' },
  { modelType: 'glm46v', texts: [glm4vText], ...GLM4V },
  {
    modelType: 'glm4v_moe',
    texts: [glm4vMoeText],
    namedAsExperts: true,
    ...GLM4V,
    textTies: 'too',
    placeholders: { image_token_id: 151_363, video_token_id: 151_364 }
  },
  {
    modelType: 'glm_ocr',
    texts: [glmOcrText],
    ...GLM4V,
    textTies: 'too',
    placeholders: { image_token_id: 59_280, video_token_id: 59_281 }
  },
  {
    modelType: 'granite_docling',
    texts: [graniteDoclingText],
    tiedHead: flag(true),
    ownLogits: true,
    placeholders: { image_token_id: 100_337 },
    ...asCalled(['model.vision_model.'], { text: TEXT_MODEL, unread: FURTHER_TOKENS })
  },
  {
    modelType: 'paddleocr_vl',
    texts: [paddleOcrText],
    tiedHead: flag(true),
    textTies: 'too',
    flat: true,
    placeholders: { image_token_id: 100_295, video_token_id: 100_296 },
    stored: { [INSIDE]: ['model.', 'language_model.'] },
    written: {
      text: { [INSIDE]: 'model.' },
      others: ['visual.', 'mlp_AR.'],
      renamed: { 'model.visual.': 'visual.', 'model.projector.': 'mlp_AR.' },
      unread: ['visual.vision_model.head.', 'visual.vision_model.embeddings.packing_position_embedding.']
    },
    loader: 'AutoModelForImageTextToText'
  },
  {
    modelType: 'lfm3_vl',
    texts: [lfm3],
    tiedHead: flag(true),
    placeholders: { image_token_id: 125_030, video_token_id: 125_029 },
    ...PROJECTED
  },
  {
    modelType: 'got_ocr2',
    texts: [qwen2],
    absent: GOT_OCR2,
    tiedHead: flag(true),
    placeholders: { image_token_id: 151_859 },
    ...LLAVA
  },
  {
    modelType: 'janus',
    texts: [llama],
    tiedHead: flag(true),
    placeholders: { image_token_id: 100_581 },
    ...asCalled([
      'model.vision_model.',
      'model.aligner.',
      'model.vqmodel.',
      'model.generation_embeddings.',
      'model.generation_aligner.',
      'model.generation_head.'
    ])
  },
  {
    modelType: 'fast_vlm',
    texts: [qwen2],
    absent: FAST_VLM,
    tiedHead: flag(false),
    textTies: 'too',
    placeholders: { image_token_id: 151_646 },
    ...PROJECTED
  },
  {
    modelType: 'perception_lm',
    texts: [llama],
    tiedHead: orNull(flag),
    textTies: 'unsaid',
    placeholders: { image_token_id: 128_002, video_token_id: 128_003 },
    ...PROJECTED
  },
  {
    modelType: 'hyperclovax_vision_v2',
    texts: [hyperclovax],
    tiedHead: flag(true),
    ownLogits: true,
    placeholders: { image_token_id: 128_060, video_token_id: 128_061 },
    stored: { [INSIDE]: ['model.language_model.model.'], 'lm_head.': ['model.language_model.lm_head.'] },
    written: {
      text: { 'lm_head.': 'model.language_model.lm_head.' },
      others: ['model.vision_model.', 'model.vision_projector.'],
      renamed: { 'model.projector.': 'model.vision_projector.' }
    },
    loader: 'AutoModelForImageTextToText'
  },
  {
    modelType: 'granite4_vision',
    texts: [granite4VisionText],
    tiedHead: flag(false),
    ownLogits: true,
    placeholders: { image_token_id: 32_000 },
    ...asCalled([
      'model.vision_tower.',
      'model.image_newline',
      'model.layerwise_projectors.',
      'model.spatial_projectors.'
    ])
  },
  {
    modelType: 'hunyuan_vl',
    texts: [hunyuanVlText],
    tiedHead: flag(true),
    textTies: 'too',
    flat: true,
    placeholders: { image_token_id: 120_120 },
    stored: { [INSIDE]: ['model.'] },
    written: {
      text: { [INSIDE]: 'model.' },
      others: ['vit.'],
      renamed: { 'model.vision_tower.': 'vit.' }
    },
    loader: 'AutoModelForImageTextToText'
  },
  { modelType: 'minicpmv4_6', texts: [qwen35Text], tiedHead: flag(false), ...MINICPM },
  { modelType: 'minicpmv4_7', texts: [qwen35Text], tiedHead: flag(false), ...MINICPM },
  { modelType: 'minicpm_ocr', texts: [qwen35Text], tiedHead: flag(true), ...MINICPM },
  {
    modelType: 'deepseek_vl_hybrid',
    texts: [llama],
    tiedHead: flag(true),
    placeholders: { image_token_id: 100_015 },
    ...asCalled(['model.vision_model.', 'model.aligner.', 'model.high_res_vision_'])
  }
]
