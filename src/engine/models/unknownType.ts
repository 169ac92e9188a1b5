import { badInput } from '../../shared/errors'
import { editDistance, nearestName } from '../../shared/nearestName'
import { shownValue } from '../../shared/shownValue'
import { isRecord } from '../formats/checkpointFiles'
import type { Family } from './architecture'
import { ConfigReader } from './configReader'
import { TEXT_CONFIG } from './textTower'

/** Source: `is_causal` of modeling_gemma's attention, which PaliGemmaConfig turns off, and the masks of modeling_paligemma. */
const PALIGEMMA =
  'the tokens of a prompt see each other in both directions there, and where nothing says which tokens are the prompt, it ' +
  'depends on the kernel whether those of a text do'

const MAMBA_ALONE = 'of models with Mamba layers those with attention beside them are read'

/** Why a type is refused, where that is known. */
const REFUSED: Readonly<Record<string, string>> = {
  mamba: MAMBA_ALONE,
  mamba2: MAMBA_ALONE,
  falcon_mamba: MAMBA_ALONE,
  zamba: 'its Mamba has heads, and a block of attention that several layers share, which are not computed',
  zamba2: 'a block of attention that several layers share, each with matrices of its own beside it, is not computed',
  mistral4: 'it is read inside of mistral3; AutoModelForCausalLM of transformers loads none by itself',
  paligemma: PALIGEMMA,
  deepseek_ocr2:
    'PEFT loads no adapter of it, not even one that it wrote itself: it renames the modules of the text model a second time',
  axk1: 'its routers have a bias that its files leave out, and experts whose sum is normed, which are not read; deepseek_v3 is',
  nemotron_h_omni:
    'transformers joins q, k and v of its vision tower where it writes a quantized base, which is not done; its text model, nemotron_h, is read by itself',
  molmo2: 'its files hold q, k and v in one tensor, and an embedding with more rows than the head, which are not read',
  ernie4_5_vl_moe:
    'its files hold experts for texts and for images in one list, and routers turned, which are not read',
  kimi_k25:
    'its experts are published in 4 bits of another format (compressed-tensors), which no trainer quantizes again; its text model, deepseek_v3, is read by itself',
  minicpmv: 'transformers has no class of it, only of MiniCPM-V 4.6 and 4.7 (minicpmv4_6, minicpmv4_7)',
  deepseek_v32: 'its attention to those tokens alone that an indexer chooses is not computed',
  longcat_flash:
    'its layers of two attentions and two MLPs, and its experts that hand on what they are given, are not computed',
  falcon: 'transformers 5 does not quantize its linears, so that there is nothing to repair'
}

/** Keys that say nothing of how a model computes, or that every family reads. */
const NEUTRAL =
  /^_|^(architectures|auto_map|model_type|transformers_version|use_cache|chunk_size_feed_forward|id2label|label2id|problem_type|return_dict|quantization_config|is_decoder|is_encoder_decoder|torchscript|vocab_size|rope_\w+|partial_rotary_factor|original_max_position_embeddings|is_causal|per_layer_config|fusion_config|transformers_weights|layers)$|dropout|pdrop|drop$|_token_id$|dtype$|initializer|init_|output_|loss|summary_|pretraining_tp/

/** A name that is one; others are not repeated in a message. */
const NAME = /^\w{1,64}$/

/** Share of a family's keys that a config has which may be called near. */
const LEAST_COVERED = 0.6

/** Values, as JSON, of what a model does not use. */
const OFF = ['null', 'false', '0', '[]']

/** Differing keys that a message names. */
const MOST_NAMED = 8

/**
 * The error for a `model_type` that no family serves: the family whose keys are nearest to those of the config, or of the
 * config of the text model inside, and the keys in which they differ; where no keys are near, the type of the nearest name.
 *
 * @param towers - what is accepted beside the families: models around a text model
 */
export function unknownType(config: ConfigReader, families: readonly Family[], towers: readonly Family[]): Error {
  const type = config.string('model_type')
  const types = [...families, ...towers].flatMap(({ modelTypes }) => modelTypes)
  const reason = Object.hasOwn(REFUSED, type) ? `: ${REFUSED[type]}` : likeness(config, type, families)
  const listed = `; quail families lists the ${types.length} types that are read`
  return badInput(`${config.where}: model_type is ${shownValue(type)}${reason || meant(type, types)}${listed}`)
}

function meant(type: string, types: readonly string[]): string {
  const near = nearestName(type, types)
  return near === undefined ? '' : `, perhaps ${near} is meant`
}

function likeness(config: ConfigReader, type: string, families: readonly Family[]): string {
  const text = config.raw(TEXT_CONFIG)
  if (!isRecord(text)) return nearest(config, type, families)
  const inner = config.object(TEXT_CONFIG)
  const named = inner.raw('model_type')
  if (typeof named !== 'string' || !NAME.test(named)) return nearest(inner, type, families)
  const around = `, a model around a text model of type "${named}"`
  if (families.some(({ modelTypes }) => modelTypes.includes(named))) return `${around}, which is read only by itself`
  return `${around}${Object.hasOwn(REFUSED, named) ? `: ${REFUSED[named]}` : nearest(inner, named, families)}`
}

function nearest(config: ConfigReader, type: string, families: readonly Family[]): string {
  const own = new Set(config.keys().filter((key) => NAME.test(key) && !NEUTRAL.test(key)))
  const ranked = families
    .map((family) => compared(own, type, family))
    .sort((a, b) => b.likeness - a.likeness || a.distance - b.distance)
  const [best] = ranked
  // Another kind of model, of which a comparison says nothing.
  if (best === undefined || best.covered < LEAST_COVERED) return ''
  const { name, further } = best
  const differing = further.filter((key) => !OFF.includes(JSON.stringify(config.raw(key))))
  if (differing.length === 0) return `, nearest by its keys is ${name}`
  const more = differing.length > MOST_NAMED ? ` and ${differing.length - MOST_NAMED} more` : ''
  return `, nearest by its keys is ${name}, which has no ${differing.slice(0, MOST_NAMED).join(', ')}${more}`
}

/** How near a family is: the keys that both have among those that one of them has. */
function compared(own: ReadonlySet<string>, type: string, family: Family) {
  const name = family.modelTypes[0] as string
  const known = Object.keys(family.settings(new ConfigReader({}, ''))).filter((key) => !NEUTRAL.test(key))
  const shared = known.filter((key) => own.has(key)).length
  const further = [...own].filter((key) => !known.includes(key))
  const likeness = shared / (known.length + further.length)
  return { name, further, likeness, covered: shared / known.length, distance: editDistance(type, name) }
}
