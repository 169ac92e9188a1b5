import type { RunListEntry } from '../../shared/contract/runs'
import { isResumable } from '../../shared/resumable'
import { call } from '../api/desktop'
import { useCall } from '../api/hooks'
import { notifyError } from '../components/notify'
import { useShortcuts } from '../components/shortcuts'
import { undoDeletion } from '../components/undo'
import { cancelRun, holdQueue, LET_GO_ON, pauseLabel, resumeRuns } from '../runs/queueActions'
import { exportAddress } from '../runs/runAddress'
import { pickAndOpen } from './openPaths'

export interface PaletteAction {
  readonly id: string
  readonly label: string
  readonly description?: string
  readonly keywords?: readonly string[]
  readonly onClick: () => void
}

/** What the palette does beside going to pages: only what can be done now. */
export function usePaletteActions(navigate: (to: string) => void): readonly PaletteAction[] {
  const queue = useCall('queue.state', {}).data
  const runs = useCall('runs.list', {}).data ?? []
  const deletions = useCall('deletions.list', {}).data ?? []
  const { showHelp } = useShortcuts()
  return [
    ...(queue === undefined ? [] : queueActions(queue)),
    ...runActions(runs, navigate),
    ...deletions.map(({ id, title }) => ({
      id: `undo:${id}`,
      label: `Bring back ${title}`,
      description: 'Undo the deletion',
      keywords: ['undo', 'delete', 'restore'],
      onClick: () => void undoDeletion(id)
    })),
    ...openingActions(navigate),
    ...THEMES.map(({ theme, label }) => ({
      id: `theme:${theme}`,
      label,
      keywords: ['theme', 'dark', 'light', 'colours'],
      onClick: () => void attempt(call('settings.change', { theme }))
    })),
    { id: 'help', label: 'Keyboard shortcuts', keywords: ['help', 'keys'], onClick: showHelp },
    {
      id: 'diagnostics',
      label: 'Diagnostics',
      keywords: ['log', 'report', 'problem'],
      onClick: () => navigate('/settings?panel=diagnostics')
    },
    { id: 'quit', label: 'Quit Quail', keywords: ['exit', 'close'], onClick: () => void attempt(call('app.quit', {})) }
  ]
}

type Queue = NonNullable<ReturnType<typeof useCall<'queue.state'>>['data']>

function queueActions({ running, held, waiting }: Queue): PaletteAction[] {
  const stop =
    running === null
      ? []
      : [
          {
            id: 'stop',
            label: `Stop ${running.title}`,
            description: 'It can be resumed after its last finished block',
            keywords: ['cancel', 'abort'],
            onClick: () => void cancelRun(running.id)
          }
        ]
  if (held) return [...stop, { id: 'go-on', label: LET_GO_ON, onClick: () => void holdQueue(false) }]
  if (running === null && waiting.length === 0) return stop
  return [
    ...stop,
    {
      id: 'hold',
      label: pauseLabel(running !== null),
      keywords: ['hold'],
      onClick: () => void holdQueue(true)
    }
  ]
}

/** Of the newest run that is completed, and of those that stopped. */
function runActions(runs: readonly RunListEntry[], navigate: (to: string) => void): PaletteAction[] {
  const newest = runs.find(({ status }) => status === 'completed')
  const resumable = runs.filter(isResumable)
  return [
    ...(newest === undefined
      ? []
      : [
          {
            id: 'export',
            label: `Export ${newest.title}`,
            description: 'Copy its adapter, with snippets for trainers',
            keywords: ['adapter', 'save', 'bundle', 'report'],
            onClick: () => navigate(exportAddress(newest.id))
          }
        ]),
    ...resumable.slice(0, 5).map(({ id, title }) => ({
      id: `resume:${id}`,
      label: `Resume ${title}`,
      description: 'After its last finished block',
      keywords: ['continue', 'go on'],
      onClick: () => void resumeRuns([id])
    }))
  ]
}

const openingActions = (navigate: (to: string) => void): PaletteAction[] => [
  {
    id: 'import-texts',
    label: 'Import texts…',
    description: 'As calibration sets',
    keywords: ['data', 'dataset', 'chats'],
    onClick: () => void pickAndOpen('texts', navigate)
  },
  { id: 'open-recipe', label: 'Open a recipe…', onClick: () => void pickAndOpen('recipe', navigate) },
  { id: 'import-bundle', label: 'Import a run bundle…', onClick: () => void pickAndOpen('bundle', navigate) },
  {
    id: 'add-model',
    label: 'Add a model folder…',
    keywords: ['checkpoint'],
    onClick: () => void pickAndOpen('model', navigate)
  }
]

const THEMES = [
  { theme: 'light', label: 'Light theme' },
  { theme: 'dark', label: 'Dark theme' },
  { theme: 'system', label: "The system's theme" }
] as const

const attempt = (action: Promise<unknown>): Promise<unknown> =>
  action.catch((error: unknown) => notifyError('That did not work', error))
