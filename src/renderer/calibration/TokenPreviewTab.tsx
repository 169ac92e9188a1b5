import { Button, Group, NumberInput, SegmentedControl, Select, Stack, Switch, Text } from '@mantine/core'
import { useDebouncedValue, useLocalStorage } from '@mantine/hooks'
import { IconMessageOff, IconStack2 } from '@tabler/icons-react'
import { useCallback, useEffect, useState } from 'react'
import { Link } from 'wouter'
import type { CallInput } from '../../shared/contract'
import type { CalibrationSetDetail } from '../../shared/contract/calibration'
import type { FoundModel } from '../../shared/models'
import type { CalibrateOn, FirstToken, Policy } from '../../shared/recipe'
import type { TokenPreview } from '../../shared/tokenPreview'
import { type Task, useCall, useTask } from '../api/hooks'
import { ChoiceField } from '../components/ChoiceField'
import { EmptyState } from '../components/EmptyState'
import { ErrorCard } from '../components/ErrorCard'
import { CallProgressBar } from '../components/ProgressBar'
import { QueryView } from '../components/QueryView'
import { plural } from '../format/numbers'
import { fullName } from '../models/modelText'
import { TokenRow } from './TokenRow'
import { TokenStatisticsLine } from './TokenStatisticsLine'

/** Rows that a run takes unless its recipe says otherwise. */
const ROWS = 64

const CALIBRATE_ON: readonly { value: CalibrateOn; label: string }[] = [
  { value: 'all', label: 'All positions' },
  { value: 'responses', label: 'Responses' },
  { value: 'prompts', label: 'Prompts' }
]

/** A row of the set exactly as a run on a model would use it. */
export function TokenPreviewTab({ set }: { readonly set: CalibrationSetDetail }) {
  const models = useCall('models.list', {})
  return (
    <QueryView query={models} failure="The models could not be listed">
      {({ models: found }) => {
        const ready = found.filter(({ status }) => status === 'ready')
        const usable = set.kind === 'messages' ? ready.filter(({ chatTemplate }) => chatTemplate) : ready
        if (usable.length > 0) return <Preview set={set} models={usable} others={ready.length - usable.length} />
        if (ready.length > 0) return <NoTemplate models={ready} />
        return (
          <EmptyState
            icon={<IconStack2 />}
            title="No model is there yet"
            action={
              <Button component={Link} href="/models">
                Go to Models
              </Button>
            }
          >
            Tokens depend on the model's tokenizer: add a checkpoint first.
          </EmptyState>
        )
      }}
    </QueryView>
  )
}

/** Conversations are rendered by the model's own template: without one there are no tokens. */
function NoTemplate({ models }: { readonly models: readonly FoundModel[] }) {
  const names = models.map(fullName)
  return (
    <EmptyState
      icon={<IconMessageOff />}
      title="No model here has a chat template"
      action={
        <Button component={Link} href="/models">
          Go to Models
        </Button>
      }
    >
      This set holds conversations, which a model renders by its own template.{' '}
      {names.length === 1
        ? `${names[0]} has no chat template`
        : `None of the ${names.length} models that are ready has one`}
      : add an instruction-tuned checkpoint.
    </EmptyState>
  )
}

interface PreviewProps {
  /** Models that cannot render the set. */
  readonly others: number
  readonly set: CalibrationSetDetail
  readonly models: readonly FoundModel[]
}

function Preview({ set, models, others }: PreviewProps) {
  const [kept, keep] = useLocalStorage({ key: 'quail.previewModel', defaultValue: '' })
  const model = models.find(({ directory }) => directory === kept) ?? (models[0] as FoundModel)
  const [policy, setPolicy] = useState<Policy>(set.policy)
  const [context, setContext] = useState(256)
  const [row, setRow] = useState(0)
  const [calibrateOn, setCalibrateOn] = useState<CalibrateOn>('all')
  const [firstToken, setFirstToken] = useState<FirstToken>('include')
  const preview = usePreview({
    name: set.name,
    model: model.directory,
    policy,
    context,
    rows: ROWS,
    row,
    calibrateOn,
    firstToken
  })
  return (
    <Stack gap="md">
      <Group align="flex-end" gap="sm">
        <Select
          label="Model"
          description={others === 0 ? undefined : `${plural(others, 'model')} without a chat template left out`}
          inputWrapperOrder={['label', 'input', 'description', 'error']}
          data={models.map((one) => ({ value: one.directory, label: fullName(one) }))}
          value={model.directory}
          onChange={(value) => value !== null && keep(value)}
          allowDeselect={false}
          searchable
          w={280}
        />
        <PolicyField value={policy} onChange={setPolicy} />
        <ContextField value={context} onChange={setContext} />
        <NumberInput
          label="Row"
          min={1}
          max={preview.found?.rows ?? 1}
          allowDecimal={false}
          value={row + 1}
          onChange={(value) => setRow(Math.max(0, (Number(value) || 1) - 1))}
          w={100}
        />
        {set.kind === 'messages' && (
          <ChoiceField label="Calibrate on" data={CALIBRATE_ON} value={calibrateOn} onChange={setCalibrateOn} w={160} />
        )}
        <Switch
          label="Count first tokens"
          checked={firstToken === 'include'}
          onChange={({ currentTarget: { checked } }) => setFirstToken(checked ? 'include' : 'exclude')}
          mb={8}
        />
      </Group>
      <PreviewState preview={preview} name={set.name} />
      {preview.found !== undefined && preview.task.error === null && (
        <Stack gap="md" style={{ opacity: preview.task.running ? 0.6 : 1 }}>
          <TokenStatisticsLine preview={preview.found} context={context} />
          <TokenRow preview={preview.found} />
        </Stack>
      )}
    </Stack>
  )
}

interface ContextProps {
  readonly value: number
  readonly onChange: (context: number) => void
}

const ContextField = ({ value, onChange }: ContextProps) => (
  <NumberInput
    label="Context"
    suffix=" tokens"
    min={2}
    max={65_536}
    allowDecimal={false}
    value={value}
    onChange={(next) => Number(next) >= 2 && onChange(Number(next))}
    w={140}
  />
)

interface PolicyProps {
  readonly value: Policy
  readonly onChange: (policy: Policy) => void
}

function PolicyField({ value, onChange }: PolicyProps) {
  return (
    <Stack gap={2}>
      <Text size="sm" fw={600} id="policy-label">
        Rows
      </Text>
      <SegmentedControl
        aria-labelledby="policy-label"
        data={[
          { value: 'packed', label: 'Packed' },
          { value: 'padded', label: 'Padded' }
        ]}
        value={value}
        onChange={(next) => onChange(next as Policy)}
      />
    </Stack>
  )
}

interface LivePreview {
  /** The last row that was made. */
  readonly found: TokenPreview | undefined
  readonly task: Task<'calibration.preview'>
  readonly again: () => void
}

/** The row that is asked for, made again when the question changes; what was asked before is given up. */
function usePreview(input: CallInput<'calibration.preview'>): LivePreview {
  const task = useTask('calibration.preview')
  const [found, setFound] = useState<TokenPreview>()
  const { run } = task
  const asked = JSON.stringify(input)
  const ask = useCallback(
    () =>
      void run(JSON.parse(asked) as CallInput<'calibration.preview'>).then(
        (preview) => preview !== undefined && setFound(preview)
      ),
    [run, asked]
  )
  useEffect(ask, [ask])
  return { found, task, again: ask }
}

/** A large set is tokenized for a while: how far it is, and the way out. */
function PreviewState({ preview, name }: { readonly preview: LivePreview; readonly name: string }) {
  const { task, found, again } = preview
  const [late] = useDebouncedValue(task.running, 400)
  if (task.error !== null) return <ErrorCard title="The tokens cannot be shown" error={task.error} onRetry={again} />
  if (task.running && late) {
    const { progress, cancel } = task
    return <CallProgressBar progress={progress} label={`Tokenizing ${name}`} onCancel={cancel} />
  }
  if (task.running || found !== undefined) return null
  return (
    <Group gap="sm">
      <Text size="sm" c="dimmed">
        Tokenizing was stopped.
      </Text>
      <Button size="xs" variant="default" onClick={again}>
        Tokenize
      </Button>
    </Group>
  )
}
