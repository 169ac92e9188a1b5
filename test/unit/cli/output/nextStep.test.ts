import { describe, expect, it } from 'vitest'
import { goOnWith, nextStep } from '../../../../src/cli/output/nextStep'

const of = (name: string, harmful: boolean) => ({ quantizer: name, label: name, variant: { name }, harmful })

describe('what to do after a run', () => {
  it('is to fine-tune the first adapter that does no harm', () => {
    const next = goOnWith([of('svd-int8', true), of('exact-nf4', false)])
    expect(next && nextStep(next)).toBe('Next: fine-tune exact-nf4')
  })

  it('does not advise an adapter without a word that was just called harmful', () => {
    const next = goOnWith([of('svd-r2', true)])
    expect(next && nextStep(next)).toBe(
      'Next: train without one of these adapters, as none made the base better, or fine-tune svd-r2 all the same'
    )
  })
})
