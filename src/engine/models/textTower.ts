import { badInput } from '../../shared/errors'
import { shownValue } from '../../shared/shownValue'
import type { TextTower } from '../../shared/textTower'
import type { Value } from '../graph/graphBuilder'
import type { Family, ModelArchitecture } from './architecture'
import type { ConfigReader, Json } from './configReader'
import type { LayerBuilder } from './layerBuilder'
import { readSettings, type Setting } from './settings'
import type { WrittenParts } from './writtenParts'

/** A model around a text model, in which that is `model.language_model` and the head lies beside, unless it says otherwise. */
export interface Wrapper {
  readonly modelType: string
  /** Families of text models that may be inside; the first is meant where `text_config` names no type. */
  readonly texts: readonly Family[]
  /** What published files call the types of text models otherwise, and the type that is meant. */
  readonly renamedTexts?: Readonly<Record<string, string>>
  /** What is meant where there is no `text_config`; default: an empty one. */
  readonly absent?: Json
  /** Whether the keys of the text model stand beside where there is no `text_config`. */
  readonly flat?: boolean
  /** What config.json may say of whether the head is tied. */
  readonly tiedHead: Setting<boolean | null>
  /** Whether `text_config` may tie it too, alone, or where nothing else says; of others it counts for transformers 4 alone. */
  readonly textTies?: 'too' | 'alone' | 'unsaid'
  /** Another key of config.json for whether the head is tied, which wins. */
  readonly tiedHeadAlias?: string
  /** Names of the text model and of the head. */
  readonly places?: { readonly text: string; readonly head?: string }
  /** Whether its class does to the logits what the text model's own does: factors, a soft cap. */
  readonly ownLogits?: boolean
  /** Whether PEFT goes by the whole model's type where it takes linears for those of experts. */
  readonly namedAsExperts?: boolean
  /** Keys of config.json for the tokens in whose place the model puts what it sees and hears, with their defaults; null is none. */
  readonly placeholders: Readonly<Record<string, number | null>>
  /** Parts of config.json with a `vocab_offset`, from which on tokens have other embeddings there, and its defaults. */
  readonly embeddedElsewhere?: Readonly<Record<string, number>>
  /** Other beginnings of names in checkpoints, by the beginning of a module's name. */
  readonly stored: Readonly<Record<string, readonly string[]>>
  /** What transformers writes of it. */
  readonly written: WrittenParts
  /** The class of transformers that loads it. */
  readonly loader: TextTower['loader']
}

/** Key of the text model's config. */
export const TEXT_CONFIG = 'text_config'

/** The text model's settings that only its own class of a model with a head reads, with the values that leave logits alone. */
const PLAIN_LOGITS = { logit_scale: 1, logits_scaling: 1, final_logit_softcapping: null }

/** Where the text models have their blocks by themselves, and where inside of a wrapper. */
export const OWN = 'model.'
export const INSIDE = 'model.language_model.'

/** Of a model whose files call the text model as its modules do: where that is, and the name without the model's own prefix. */
export const namesOf = (text: string = INSIDE) => ({
  places: { text },
  stored: { [text]: [text.slice(OWN.length)] }
})

/**
 * The text model of a wrapper as a family: settings and blocks are those of the text model's own family, names of modules
 * those of the wrapper that transformers loads. On texts alone the wrapper computes head(text model), and of what else a text
 * model's own class does to the logits only where `ownLogits` says so.
 */
export function textTower(wrapper: Wrapper): Family {
  const { modelType, loader, stored, written } = wrapper
  return {
    modelTypes: [modelType],
    settings(config) {
      const { text, family } = textOf(config, wrapper)
      return family.settings(text)
    },
    read(config) {
      const { text, given, type, family } = textOf(config, wrapper)
      const tower = { wrapper: modelType, text: type, loader }
      const { tiedHead: tiedHeadIn4 } = family.read(given)
      const names = { storedPrefixes: stored, written }
      const architecture = family.read(wrapper.ownLogits === true ? text : text.with(PLAIN_LOGITS))
      const placeholders = placeholdersOf(config, wrapper, architecture)
      return { ...inside(architecture, wrapper), ...names, placeholders, tiedHeadIn4, family: modelType, tower }
    }
  }
}

/** Their ids, by the keys that give them. Source: the `attribute_map` of Gemma3Config, LlavaConfig and Mistral3Config. */
function placeholdersOf(
  config: ConfigReader,
  { placeholders, embeddedElsewhere = {} }: Wrapper,
  { vocabularySize }: ModelArchitecture
): ReadonlyMap<number, string> {
  const ids = Object.entries(placeholders).map(([key, fallback]): [unknown, string] => {
    const other = key.replace(/_id$/, '_index')
    const name = !config.given(key) && config.given(other) ? other : key
    return [config.given(name) ? config.raw(name) : fallback, name]
  })
  const elsewhere = Object.entries(embeddedElsewhere).flatMap(([part, fallback]): [number, string][] => {
    const stated = config.object(part).raw('vocab_offset')
    const first = Number.isSafeInteger(stated) ? Math.max(0, stated as number) : fallback
    const count = Math.max(0, vocabularySize - first)
    return Array.from({ length: count }, (_, i) => [first + i, `${part}.vocab_offset`])
  })
  return new Map([...elsewhere, ...ids.filter((entry): entry is [number, string] => typeof entry[0] === 'number')])
}

/** The text model's config as it is given, and with what the wrapper's says of the head; and the family that reads it. */
function textOf(config: ConfigReader, wrapper: Wrapper) {
  const { modelType, texts, renamedTexts = {}, absent = {}, flat, tiedHead, tiedHeadAlias, textTies } = wrapper
  const aliases = tiedHeadAlias === undefined ? {} : { [tiedHeadAlias]: 'tie_word_embeddings' }
  const outer = readSettings(config, { tie_word_embeddings: tiedHead }, aliases)
  const types = texts.flatMap(({ modelTypes }) => modelTypes)
  // A key that both have is the whole model's where they stand beside each other.
  const beside = { model_type: types[0], tie_word_embeddings: undefined }
  const stated = flat && !config.has(TEXT_CONFIG) ? config.with(beside) : config.object(TEXT_CONFIG)
  const given = config.has(TEXT_CONFIG) ? stated : stated.with(absent)
  const named = given.given('model_type') ? given.raw('model_type') : types[0]
  const type = Object.hasOwn(renamedTexts, String(named)) ? renamedTexts[String(named)] : named
  const family = texts.find(({ modelTypes }) => modelTypes.includes(type as string))
  if (family === undefined) {
    const found = `model_type is ${shownValue(type)}`
    throw badInput(`${given.where}: ${found}, expected ${types.join(' or ')} for the text model of ${modelType}`)
  }
  const counts = textTies === 'unsaid' ? outer.tie_word_embeddings === null : textTies !== undefined
  const inner = counts && family.settings(given).tie_word_embeddings === true
  const own = textTies !== 'alone' && outer.tie_word_embeddings === true
  const text = given.with({ tie_word_embeddings: own || inner, ...(tiedHeadAlias && { [tiedHeadAlias]: undefined }) })
  return { given, text, type: type as string, family }
}

/** A text model under the names that it has inside of a wrapper. */
function inside({ unreached, ...text }: ModelArchitecture, { places, namedAsExperts }: Wrapper): ModelArchitecture {
  const { text: place = INSIDE, head = text.head } = places ?? {}
  const nameInside = (name: string): string => (name.startsWith(OWN) ? `${place}${name.slice(OWN.length)}` : name)
  const { buildEmbedding, secondEmbedding: second } = text
  const renamed = (layer: LayerBuilder, build: () => Value) => layer.renamed(nameInside, build)
  return {
    ...text,
    ...(namedAsExperts && unreached && { unreached }),
    basePrefix: '',
    embedding: nameInside(text.embedding),
    head,
    ...(second && { secondEmbedding: { ...second, name: nameInside(second.name) } }),
    blockPath: (index) => nameInside(text.blockPath(index)),
    ...(buildEmbedding && {
      buildEmbedding: (layer, ...embedded) => renamed(layer, () => buildEmbedding(layer, ...embedded))
    }),
    buildFinalNorm: (layer, hidden) => renamed(layer, () => text.buildFinalNorm(layer, hidden))
  }
}
