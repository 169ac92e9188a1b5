import { gemma3 } from './gemma'
import { gemma3n } from './gemma3n'
import { gemma4, gemma4Unified } from './gemma4'
import { llama } from './llama'
import { llama4 } from './llama4'
import { ministral3 } from './ministral3'
import { mistral } from './mistral'
import { qwen2 } from './qwen'
import { qwen35MoeText, qwen35Text } from './qwenHybrid'
import { qwen2VlText, qwen3VlText, qwen25VlText } from './qwenVl'
import { flag, orNull } from './settings'
import { INSIDE, type Wrapper } from './textTower'

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
  capsLogits: true,
  placeholders: { image_token_id: 258_880, video_token_id: 258_884, audio_token_id: 258_881 },
  stored: { [INSIDE]: ['language_model.'] },
  loader: 'AutoModelForCausalLM'
} as const

const QWEN3_5 = { image_token_id: 248_056, video_token_id: 248_057 }
const QWEN3_VISION = { text: {}, others: ['model.visual.'] }

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
    capsLogits: true,
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
    texts: [mistral, ministral3],
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
  {
    modelType: 'qwen3_5',
    texts: [qwen35Text],
    ...QWEN3_VL,
    placeholders: QWEN3_5,
    written: { ...QWEN3_VISION, unread: ['mtp.'] }
  },
  {
    modelType: 'qwen3_5_moe',
    texts: [qwen35MoeText],
    ...QWEN3_VL,
    placeholders: QWEN3_5,
    written: { ...QWEN3_VISION, unread: ['mtp.'] }
  }
]
