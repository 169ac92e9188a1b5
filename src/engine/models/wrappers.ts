import type { Wrapper } from './textTower'

/** Models around a text model: a new one is an entry here. Sources: transformers' configuration_<type>, modeling_<type>. */
export const WRAPPERS: readonly Wrapper[] = [{ modelType: 'gemma3', texts: ['gemma3_text'], tiedHead: true }]
