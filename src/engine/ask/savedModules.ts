import type { ReadAdapter } from '../formats/readAdapter'
import { embeddingTables, type ModelArchitecture } from '../models/architecture'

/*
 * Embeddings and output head that a trainer saved beside the factors of linears: whole, as the base of factors, or as factors
 * of an embedding. Where tokens were added before training they have more rows than those of the model, and PEFT does not
 * load them.
 */

const moduleOf = (tensor: string): string => tensor.replace(/\.weight$/, '')

/** The output head, beside which a trainer may put factors where it is told to by name. */
export const headOf = ({ head, embeddingSize, vocabularySize }: ModelArchitecture) => ({
  path: moduleOf(head),
  inFeatures: embeddingSize,
  outFeatures: vocabularySize
})

/** The tables of embeddings and the head, by the path of their module. */
function outerModules(architecture: ModelArchitecture): ReadonlyMap<string, readonly [rows: number, columns: number]> {
  const { path, outFeatures, inFeatures } = headOf(architecture)
  const tables = embeddingTables(architecture).map(
    ({ name, rows, columns }) => [moduleOf(name), [rows, columns]] as const
  )
  return new Map([...tables, [path, [outFeatures, inFeatures]]])
}

/** What of a module was saved: its weight, which PEFT may put into `base_layer`, or a factor of an embedding. */
const SAVED = /^base_model\.model\.(.+?)\.(?:(?:base_layer\.)?(weight)|lora_embedding_([AB]))$/

/** A tensor of embedding or head that was saved in another shape than the model has, in words; undefined where there is none. */
export function misshapenOther({ others }: ReadAdapter, architecture: ModelArchitecture): string | undefined {
  const modules = outerModules(architecture)
  for (const { name, shape } of others) {
    const [, module = '', weight, factor] = SAVED.exec(name) ?? []
    const own = modules.get(module)
    if (own === undefined) continue
    const [rows, columns] = own
    const rank = shape[factor === 'A' ? 0 : 1]
    const expected = weight !== undefined ? own : factor === 'A' ? [rank, rows] : [columns, rank]
    if (shape.join() !== expected.join())
      return `${name.replace('base_model.model.', '')} is [${shape}], expected [${expected}] as the model has it`
  }
  return undefined
}

/** Embedding or head that modules_to_save names and that was not saved, on which PEFT fails; undefined where there is none. */
export function unsavedModule({ config, others }: ReadAdapter, architecture: ModelArchitecture): string | undefined {
  const { modules_to_save: names } = config
  if (!Array.isArray(names)) return undefined
  const endsIn = (path: string, name: unknown) => path === name || path.endsWith(`.${name}`)
  const saved = others.flatMap(({ name }) => SAVED.exec(name)?.[1] ?? [])
  const unsaved = names.filter((name) => !saved.some((path) => endsIn(path, name)))
  const missing = [...outerModules(architecture).keys()].find((path) => unsaved.some((name) => endsIn(path, name)))
  return missing && `modules_to_save names ${missing}, but it was not saved`
}
