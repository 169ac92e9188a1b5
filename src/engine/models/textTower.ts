import { badInput } from '../../shared/errors'
import type { Family, ModelArchitecture } from './architecture'
import type { ConfigReader } from './configReader'
import type { LayerBuilder } from './layerBuilder'
import { flag, orNull, readSettings } from './settings'

/** A model around a text model, in which that is `model.language_model` and the head lies beside. */
export interface Wrapper {
  readonly modelType: string
  /** Types that `text_config` may have; the first is meant where it names none. */
  readonly texts: readonly string[]
  /** Whether the head is tied where config.json does not say; what text_config says of it counts for transformers 4 alone. */
  readonly tiedHead: boolean
}

/** Key of the text model's config. */
export const TEXT_CONFIG = 'text_config'

/** Where the text models have their blocks and their head by themselves, and where inside of a wrapper. */
const OWN = 'model.'
const INSIDE = 'model.language_model.'
const HEAD = 'lm_head.'

/**
 * How checkpoints name the parts beside the names of the loaded module: `language_model.model.` is what transformers wrote
 * before 4.52 and writes from 5 on, `language_model.` what it writes of the model without head.
 *
 * Source: transformers 5.23, conversion_mapping.py, llava; 4.57, _checkpoint_conversion_mapping.
 */
const STORED = { [INSIDE]: ['language_model.model.'], [HEAD]: ['language_model.lm_head.'] }

/**
 * The text model of a wrapper as a family: settings and blocks are those of the text model's own family, names of modules
 * those of the wrapper that transformers loads. On texts alone the wrapper computes head(text model), and nothing of what
 * else a text model's own class does to the logits.
 */
export function textTower(wrapper: Wrapper, families: readonly Family[]): Family {
  const { modelType } = wrapper
  const textOf = (config: ConfigReader) => {
    const text = textConfig(config, wrapper)
    const type = text.string('model_type')
    const family = families.find(({ modelTypes }) => modelTypes.includes(type)) as Family
    return { text, type, family }
  }
  return {
    modelTypes: [modelType],
    settings(config) {
      const { text, family } = textOf(config)
      return family.settings(text)
    },
    read(config) {
      const { text, type, family } = textOf(config)
      const { tiedHead: tiedHeadIn4 } = family.read(config.object(TEXT_CONFIG))
      return { ...inside(family.read(text)), tiedHeadIn4, family: modelType, tower: { wrapper: modelType, text: type } }
    }
  }
}

/** The text model's config, with what the wrapper's says of the head. */
function textConfig(config: ConfigReader, { texts, modelType, tiedHead }: Wrapper): ConfigReader {
  const outer = readSettings(config, { tie_word_embeddings: orNull(flag, tiedHead) })
  const text = config.object(TEXT_CONFIG)
  const type = text.given('model_type') ? text.raw('model_type') : texts[0]
  if (!texts.includes(type as string)) {
    const found = `model_type is ${JSON.stringify(type)}`
    throw badInput(`${text.where}: ${found}, a ${modelType} is read with ${texts.join(', ')}`)
  }
  return text.with({ model_type: type, tie_word_embeddings: outer.tie_word_embeddings === true })
}

const nameInside = (name: string): string => (name.startsWith(OWN) ? `${INSIDE}${name.slice(OWN.length)}` : name)

/** A text model under the names that it has inside of a wrapper, whose class has no soft cap of the logits. */
function inside(text: ModelArchitecture): ModelArchitecture {
  const { buildEmbedding } = text
  const renamed = (layer: LayerBuilder, build: () => ReturnType<ModelArchitecture['buildFinalNorm']>) =>
    layer.renamed(nameInside, build)
  return {
    ...text,
    logitSoftcap: undefined,
    embedding: nameInside(text.embedding),
    storedPrefixes: STORED,
    blockPath: (index) => nameInside(text.blockPath(index)),
    ...(buildEmbedding && {
      buildEmbedding: (layer, embedded) => renamed(layer, () => buildEmbedding(layer, embedded))
    }),
    buildFinalNorm: (layer, hidden) => renamed(layer, () => text.buildFinalNorm(layer, hidden))
  }
}
