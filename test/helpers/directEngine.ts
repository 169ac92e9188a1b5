import { inspectPath } from '../../src/engine/ask/inspect'
import { surveyModel } from '../../src/engine/ask/survey'
import { listDevices } from '../../src/engine/graph/devices'
import { measureDevice } from '../../src/engine/plan/measureDevice'
import type { CallOptions } from '../../src/engine/worker/engineThread'
import type { Engine } from '../../src/engine/worker/pool'
import type { InputOf } from '../../src/engine/worker/protocol'
import type { EngineMethod } from '../../src/shared/engineApi'

/** The engine's own functions on this thread: what reads checkpoints and devices needs no built worker. */
export const directEngine: Engine = {
  async call<M extends EngineMethod>(method: M, input: InputOf<M>, { signal }: CallOptions = {}) {
    const answers: Partial<Record<EngineMethod, () => Promise<unknown>>> = {
      inspect: () => inspectPath((input as InputOf<'inspect'>).path),
      survey: () => surveyModel((input as InputOf<'survey'>).path),
      devices: listDevices,
      measureDevice: () =>
        measureDevice((input as InputOf<'measureDevice'>).device, signal ?? new AbortController().signal)
    }
    const answer = answers[method]
    if (answer === undefined) throw new Error(`${method} needs a thread`)
    return (await answer()) as never
  },
  close: async () => {}
}
