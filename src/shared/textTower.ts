/** Classes of transformers that load models of texts, or of images and texts. */
export const LOADERS = ['AutoModelForCausalLM', 'AutoModelForImageTextToText'] as const

/** A text model inside of another model, such as one that also sees images. */
export interface TextTower {
  /** `model_type` of config.json. */
  readonly wrapper: string
  /** `model_type` of the text model inside. */
  readonly text: string
  /** The class of transformers that loads it: some have none for texts alone. */
  readonly loader: (typeof LOADERS)[number]
}

/** The class that loads a model, a text tower or not. */
export const loaderOf = (tower: TextTower | undefined): TextTower['loader'] => tower?.loader ?? LOADERS[0]

/** What it is, in a few words. */
export const towerText = ({ wrapper, text }: TextTower): string => `text tower of ${wrapper} (${text})`

/** What becomes of the rest, as a sentence. */
export const TOWER_ALONE =
  'only the text tower is read, quantized and repaired; the other parts (vision tower, projector) are left alone, ' +
  'but a trainer quantizes their linears too, which changes nothing on texts'
