import { expect, test } from 'vitest'
import { shapeFor } from '../../../../src/renderer/calibration/shapeFor'
import { SampleShape } from '../../../../src/shared/samples'

test.each([
  // GSM8K, SQuAD, Dolly, OpenOrca, and a table of names that say nothing.
  ['prompt', ['id', 'question', 'answer'], { prompt: 'question', completion: 'answer' }],
  [
    'instruction',
    ['id', 'context', 'question', 'answer'],
    { instruction: 'question', input: 'context', output: 'answer' }
  ],
  [
    'instruction',
    ['instruction', 'context', 'response', 'category'],
    { instruction: 'instruction', input: 'context', output: 'response' }
  ],
  [
    'prompt',
    ['id', 'system_prompt', 'question', 'response'],
    { prompt: 'question', completion: 'response', system: 'system_prompt' }
  ],
  ['prompt', ['a', 'b', 'c'], { prompt: 'a', completion: 'b' }],
  ['prompt', ['answer', 'b'], { prompt: 'b', completion: 'answer' }],
  ['text', ['id', 'content'], { text: 'content' }],
  ['messages', ['id', 'dialogue', 'tools'], { messages: 'dialogue', tools: 'tools' }],
  ['prompt', ['only'], { prompt: 'only', completion: 'only' }]
] as const)('%s of %j', (kind, columns, expected) => {
  const shape = shapeFor(kind, columns)
  expect(shape).toEqual({ kind, ...expected })
  expect(SampleShape.parse(shape)).toEqual(shape)
})
