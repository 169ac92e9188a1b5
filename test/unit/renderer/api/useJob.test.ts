import { beforeAll, describe, expect, test } from 'vitest'
import { followJob, presentJob } from '../../../../src/renderer/api/useJob'
import type { WindowEvent } from '../../../../src/shared/contract/events'
import type { RunProgress } from '../../../../src/shared/contract/runs'

let tell: (event: WindowEvent) => void

beforeAll(() => {
  const quail = {
    onEvent: (listener: typeof tell) => {
      tell = listener
      return () => {}
    }
  }
  Object.assign(globalThis, { window: { quail } })
})

const report = (share: number): WindowEvent => ({
  type: 'run.progress',
  progress: { run: 'law', share } as RunProgress
})

describe('the job', () => {
  test('is known to who comes between two reports: a page that is opened does not show the run at its start', () => {
    const leave = followJob(() => {})
    tell(report(0.5))
    leave()
    tell(report(0.6))
    expect(presentJob().progress?.share).toBe(0.6)
  })

  test('ends with its run, and not with another', () => {
    let changes = 0
    const leave = followJob(() => changes++)
    tell(report(0.7))
    tell({ type: 'run.finished', id: 'chat', title: 'chat', status: 'completed', sentence: '' })
    expect(presentJob().progress?.share).toBe(0.7)
    tell({ type: 'run.finished', id: 'law', title: 'law', status: 'completed', sentence: '' })
    expect(presentJob().progress).toBeNull()
    expect(changes).toBe(2)
    leave()
  })

  test('is gone with an engine that starts again, which is ready only when it says so', () => {
    tell(report(0.8))
    tell({ type: 'engine.state', state: 'restarting' } as WindowEvent)
    tell({ type: 'engine.state', state: 'starting' } as WindowEvent)
    expect(presentJob()).toMatchObject({ progress: null, engine: 'restarting' })
    tell({ type: 'engine.state', state: 'ready' } as WindowEvent)
    expect(presentJob().engine).toBe('ready')
  })
})
