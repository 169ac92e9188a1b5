import { join, resolve } from 'node:path'

const repository = resolve(import.meta.dirname, '../..')

/** The golden files in the repository: what tests go by that need one of a certain name. */
export const goldenCopies = join(repository, 'test/fixtures/golden')

/** Directory of the golden files that golden tests go by: `QUAIL_GOLDEN`, or the copies in the repository. */
export const goldenDirectory = (): string => resolve(process.env.QUAIL_GOLDEN || goldenCopies)

/** The trained LLaMA-shaped model that is shipped as the sample. */
export const sampleModel = join(repository, 'resources/sample/model')

/** The trained GPT-NeoX model. */
export const neoxModel = join(repository, 'test/fixtures/models/gpt_neox')

/** Small tokenizers, and the ids that the Python library gives with them. */
export const tokenizers = join(repository, 'test/fixtures/tokenizers')

/** What the float64 reference computed for the trained models. */
export const figures = join(repository, 'test/fixtures/models/figures.json')

/** One of the texts; those that are not shipped with the sample lie in the fixtures. */
export const sampleText = (
  name: 'sotu-calibration.txt' | 'sotu-evaluation.txt' | 'moby-evaluation.txt' | 'moby-calibration.txt'
): string => join(repository, name === 'moby-calibration.txt' ? 'test/fixtures/text' : 'resources/sample/text', name)
