import { modelName } from '../../shared/modelName'
import { STATUS_WORDS } from '../../shared/runWords'
import { runsSentence } from '../../shared/sweep/results'
import { useCall } from '../api/hooks'
import { plural } from '../format/numbers'
import { fullName, modelAddress, SOURCE_LABELS, STATUS_LABELS } from '../models/modelText'
import { runAddress } from '../runs/runAddress'
import { sweepAddress } from '../sweeps/sweepAddress'

export interface FoundGroup {
  readonly label: string
  readonly actions: readonly {
    readonly id: string
    readonly title: string
    readonly detail: string
    readonly to: string
  }[]
}

/** What the palette finds beside pages, while something is typed. */
export function useFoundThings(query: string): readonly FoundGroup[] {
  const asked = query.trim() !== ''
  const projects = useCall('projects.list', {}, { enabled: asked }).data ?? []
  const models = useCall('models.list', {}, { enabled: asked }).data?.models ?? []
  const sets = useCall('calibration.list', {}, { enabled: asked }).data ?? []
  const runs = useCall('runs.list', {}, { enabled: asked }).data ?? []
  const sweeps = useCall('sweeps.list', {}, { enabled: asked }).data ?? []
  if (!asked) return []
  return [
    // Before its runs, which are called after it and would take all the lines that are shown.
    {
      label: 'Sweeps',
      actions: sweeps.map((sweep) => ({
        id: `sweep:${sweep.definition.id}`,
        title: sweep.definition.name,
        detail: `${runsSentence(sweep)} · ${modelName(sweep.model)}`,
        to: sweepAddress(sweep.definition.id)
      }))
    },
    {
      label: 'Runs',
      actions: runs.map(({ id, title, status, model, variants }) => ({
        id: `run:${id}`,
        title,
        detail: `${STATUS_WORDS[status]} · ${modelName(model)} · ${variants.map(({ name }) => name).join(', ')} · ${id}`,
        to: runAddress(id)
      }))
    },
    {
      label: 'Calibration sets',
      actions: sets.map(({ name, samples, sourceName }) => ({
        id: `set:${name}`,
        title: name,
        detail: `${plural(samples, 'sample')} from ${sourceName}`,
        to: `/data/${encodeURIComponent(name)}`
      }))
    },
    {
      label: 'Models',
      actions: models.map((model) => ({
        id: `model:${model.id}`,
        title: fullName(model),
        detail: `${STATUS_LABELS[model.status]} · ${SOURCE_LABELS[model.source]}`,
        to: modelAddress(model.id)
      }))
    },
    {
      label: 'Projects',
      actions: projects.map(({ id, name, runs }) => ({
        id: `project:${id}`,
        title: name,
        detail: plural(runs, 'run'),
        to: `/runs?project=${encodeURIComponent(id)}`
      }))
    }
  ]
}
