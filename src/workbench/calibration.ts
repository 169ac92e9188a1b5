import { z } from 'zod'
import { defaultName, importCalibration, setKindOf } from '../services/calibrationService'
import { deleteWithUndo } from '../services/deletions'
import { holdOut } from '../services/holdOut'
import { exportSet } from '../services/runTexts'
import { inspectSamplesApart, sampleThread } from '../services/samples/sampleThread'
import { withTemporaryDirectory } from '../services/temporaryDirectory'
import type { CalibrationSetDetail, CalibrationSetEntry, calibrationCalls } from '../shared/contract/calibration'
import { HoldOut, SampleShape, Sampling, Split } from '../shared/samples'
import { type CalibrationSet, getSet, listSets, readSamples } from '../store/calibrationSets'
import type { WorkbenchContext } from './context'
import { DELETED } from './deletions'
import type { HandlersOf } from './handler'
import { tokenizing } from './tokenizing'

/** Calibration sets: import with a look at the file first, samples, exact tokens. */
export const calibrationHandlers = ({
  services,
  installation,
  emit
}: WorkbenchContext): HandlersOf<typeof calibrationCalls> => {
  const { store, engine } = services
  const thread = sampleThread(new URL(installation.workerUrl))
  return {
    async 'calibration.list'() {
      return (await listSets(store)).map(entryOf)
    },
    async 'calibration.get'({ name }) {
      return detailOf(await getSet(store, name))
    },
    'calibration.samples': ({ name, after, limit }) => readSamples(store, name, { after, limit }),
    async 'calibration.inspect'({ file, split, shape }, { signal }) {
      const found = await inspectSamplesApart(thread, file, { split, shape, signal })
      const taken = new Set((await listSets(store)).map(({ name }) => name))
      return { ...found, suggestedName: freeName(defaultName(file) || 'set', taken) }
    },
    async 'calibration.import'({ file, ...request }, { signal, progress }) {
      const onShare = (share: number): void =>
        progress({ done: Math.round(1000 * share), total: 1000, label: 'Reading the file' })
      const { set, badRows } = await importCalibration(store, { file, thread, ...request, signal, onShare })
      emit({ type: 'sets.changed' })
      return { name: set.name, samples: set.sampleCount, badRows: badRows.length }
    },
    'calibration.preview': ({ name, ...request }, { signal, progress }) =>
      withTemporaryDirectory(async (folder) => {
        const text = await exportSet(store, name, folder, signal)
        return engine.call('previewTokens', { ...request, text }, { signal, onProgress: tokenizing(progress) })
      }),
    async 'calibration.holdOut'({ name, ...how }) {
      const { calibration, evaluation } = await holdOut(store, name, how)
      emit({ type: 'sets.changed' })
      return { calibration: entryOf(calibration), evaluation: entryOf(evaluation) }
    },
    async 'calibration.delete'({ names }) {
      for (const name of names) await getSet(store, name)
      const [only] = names
      const title = names.length === 1 ? `the set ${only}` : `${names.length} sets`
      const deletion = await deleteWithUndo(services, title, { sets: names })
      for (const event of DELETED) emit(event)
      return { deletion }
    }
  }
}

const entryOf = (set: CalibrationSet): CalibrationSetEntry => ({
  name: set.name,
  kind: setKindOf(set),
  policy: set.policy,
  samples: set.sampleCount,
  characters: set.characterCount,
  importedAtMs: set.importedAtMs,
  sourceName: set.source.name
})

const HeldOutHint = HoldOut.extend({ from: z.string(), part: z.enum(['calibration', 'evaluation']) }).strip()

/** Hints were written by whatever version imported the set: each is taken only in the form that is known. */
function detailOf(set: CalibrationSet): CalibrationSetDetail {
  const { format, split, shape, sampling, badRows, badRowList, heldOut, notes } = set.hints
  const chosen = Sampling.loose().safeParse(sampling).data
  return {
    ...entryOf(set),
    sourcePath: set.source.path,
    sourceSha256: set.source.sha256,
    contentSha256: set.contentSha256,
    format: typeof format === 'string' ? format : null,
    split: Split.safeParse(split).data ?? null,
    shape: SampleShape.safeParse(shape).data ?? null,
    sampling:
      chosen === undefined ? null : { count: chosen.count, seed: chosen.seed, available: Number(chosen.available) },
    heldOut: HeldOutHint.safeParse(heldOut).data ?? null,
    badRows: typeof badRows === 'number' ? badRows : 0,
    badRowList: Array.isArray(badRowList) ? (badRowList as CalibrationSetDetail['badRowList']) : [],
    notes: Array.isArray(notes) ? notes.map(String) : []
  }
}

function freeName(wanted: string, taken: ReadonlySet<string>): string {
  let name = wanted
  for (let i = 2; taken.has(name); i++) name = `${wanted}-${i}`
  return name
}
