import { describe, expect, it } from 'vitest'
import { shownTurns } from '../../../../src/renderer/calibration/shownTurns'

describe('a conversation as people read it', () => {
  it('shows tools and documents before the turns, and calls with what they are given', () => {
    const sample =
      '{"messages":[{"role":"system","content":"Brief."},{"role":"user","content":[{"type":"text","text":"Where?"}]},' +
      '{"role":"assistant","content":null,"tool_calls":[{"function":{"name":"find","arguments":{"near":null,"deep":true}}}]},' +
      '{"role":"tool","content":{"found":["a"]}}],"tools":[{"name":"find"}],"documents":[{"text":"t"}]}'
    expect(shownTurns(sample)).toEqual([
      { role: 'tools', text: '{"name": "find"}' },
      { role: 'documents', text: '{"text": "t"}' },
      { role: 'system', text: 'Brief.' },
      { role: 'user', text: 'Where?' },
      { role: 'assistant', text: 'calls find({"near": null, "deep": true})' },
      { role: 'tool', text: '{"found": ["a"]}' }
    ])
  })

  it('is a list of turns where nothing stands beside them; a text that is cut off is none', () => {
    expect(shownTurns('[{"role":"user","content":"Hi"}]')).toEqual([{ role: 'user', text: 'Hi' }])
    expect(shownTurns('[{"role":"user","content":"Hi…')).toBeUndefined()
    expect(shownTurns('"a text"')).toBeUndefined()
  })
})
