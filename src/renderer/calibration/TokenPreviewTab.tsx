import { Button, Group, NumberInput, SegmentedControl, Select, Stack, Switch, Text } from '@mantine/core'
import { useLocalStorage } from '@mantine/hooks'
import { IconStack2 } from '@tabler/icons-react'
import { useState } from 'react'
import { Link } from 'wouter'
import type { CalibrationSetDetail } from '../../shared/contract/calibration'
import type { FoundModel } from '../../shared/models'
import type { CalibrateOn, FirstToken, Policy } from '../../shared/recipe'
import { useCall } from '../api/hooks'
import { ChoiceField } from '../components/ChoiceField'
import { EmptyState } from '../components/EmptyState'
import { QueryView } from '../components/QueryView'
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
        if (ready.length > 0) return <Preview set={set} models={ready} />
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

interface PreviewProps {
  readonly set: CalibrationSetDetail
  readonly models: readonly FoundModel[]
}

function Preview({ set, models }: PreviewProps) {
  const [kept, keep] = useLocalStorage({ key: 'quail.previewModel', defaultValue: '' })
  const model = models.find(({ directory }) => directory === kept) ?? (models[0] as FoundModel)
  const [policy, setPolicy] = useState<Policy>(set.policy)
  const [context, setContext] = useState(256)
  const [row, setRow] = useState(0)
  const [calibrateOn, setCalibrateOn] = useState<CalibrateOn>('all')
  const [firstToken, setFirstToken] = useState<FirstToken>('include')
  const preview = useCall(
    'calibration.preview',
    { name: set.name, model: model.directory, policy, context, rows: ROWS, row, calibrateOn, firstToken },
    { keepPrevious: true }
  )
  return (
    <Stack gap="md">
      <Group align="flex-end" gap="sm">
        <Select
          label="Model"
          data={models.map((one) => ({ value: one.directory, label: fullName(one) }))}
          value={model.directory}
          onChange={(value) => value !== null && keep(value)}
          allowDeselect={false}
          searchable
          w={280}
        />
        <Stack gap={2}>
          <Text size="sm" fw={500} id="policy-label">
            Rows
          </Text>
          <SegmentedControl
            aria-labelledby="policy-label"
            data={[
              { value: 'packed', label: 'Packed' },
              { value: 'padded', label: 'One sample each' }
            ]}
            value={policy}
            onChange={(value) => setPolicy(value as Policy)}
          />
        </Stack>
        <NumberInput
          label="Context"
          suffix=" tokens"
          min={2}
          max={65_536}
          allowDecimal={false}
          value={context}
          onChange={(value) => Number(value) >= 2 && setContext(Number(value))}
          w={140}
        />
        <NumberInput
          label="Row"
          min={1}
          max={preview.data?.rows ?? 1}
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
      <QueryView query={preview} failure="The tokens cannot be shown">
        {(found) => (
          <Stack gap="md">
            <TokenStatisticsLine preview={found} context={context} />
            <TokenRow preview={found} />
          </Stack>
        )}
      </QueryView>
    </Stack>
  )
}
