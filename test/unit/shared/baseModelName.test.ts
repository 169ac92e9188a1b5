import { describe, expect, it } from 'vitest'
import { baseModelName, baseModelReference } from '../../../src/shared/modelName'

describe('the name of a base model', () => {
  it.each([
    ['/home/ada/.cache/huggingface/hub/models--org--tiny-llama/snapshots/0123abcd', 'org/tiny-llama'],
    ['/cache/models--org--name--with--dashes/snapshots/main', 'org/name--with--dashes'],
    ['/cache/models--gpt2/snapshots/0123abcd', 'gpt2'],
    ['/home/ada/models/my-model', 'my-model'],
    ['/home/ada/snapshots/my-model', 'my-model'],
    ['/cache/models--org--name/blobs/0123abcd', '0123abcd']
  ])('of %s is %s', (directory, name) => {
    expect(baseModelName(directory)).toBe(name)
    // What PEFT loads: a repository, or the directory itself.
    const isSnapshot = directory.includes('/models--') && directory.includes('/snapshots/')
    expect(baseModelReference(directory)).toBe(isSnapshot ? name : directory)
  })
})
