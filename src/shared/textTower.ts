/** A text model inside of another model, such as one that also sees images. */
export interface TextTower {
  /** `model_type` of config.json. */
  readonly wrapper: string
  /** `model_type` of the text model inside. */
  readonly text: string
}

/** What it is, in a few words. */
export const towerText = ({ wrapper, text }: TextTower): string => `text tower of ${wrapper} (${text})`

/** What becomes of the rest, as a sentence. */
export const TOWER_ALONE =
  'only the text tower is read, quantized and repaired; the other parts (vision tower, projector) are left alone, ' +
  'but a trainer quantizes their linears too, which changes nothing on texts'
