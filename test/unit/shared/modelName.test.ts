import { expect, test } from 'vitest'
import { modelName } from '../../../src/shared/modelName'

test.each([
  ['/cache/hub/models--meta-llama--Llama-3.2-1B/snapshots/0123abcd', 'meta-llama/Llama-3.2-1B'],
  ['C:\\cache\\models--gpt2\\snapshots\\0123abcd', 'gpt2'],
  ['/opt/quail/resources/sample/model', 'sample model'],
  ['/models/pythia-410m/', 'pythia-410m']
])('%s is called %s', (directory, name) => {
  expect(modelName(directory)).toBe(name)
})
