import { Badge, Button, Card, Group, Stack, Text, Title, Tooltip } from '@mantine/core'
import { IconCheck, IconGauge, IconX } from '@tabler/icons-react'
import type { DeviceCard as Device } from '../../shared/contract/devices'
import type { DeviceReport } from '../../shared/devices'
import { useTask } from '../api/hooks'
import { ErrorCard } from '../components/ErrorCard'
import { KeyValues } from '../components/KeyValues'
import { RelativeTime } from '../components/RelativeTime'
import { capitalized } from '../format/letters'
import { formatBytes, formatCount, formatNumber } from '../format/numbers'

interface Props {
  readonly device: Device
  /** A run computes now: a measurement would be wrong. */
  readonly busy: boolean
}

/** One execution provider: on what it computes, or why it is missing and what to do; its speed on demand. */
export function DeviceCard({ device, busy }: Props) {
  return (
    <Card withBorder component="section" aria-label={device.label}>
      <Stack gap="sm" h="100%">
        <Group justify="space-between" wrap="nowrap">
          <Group gap={8}>
            <Title order={2} size="h4">
              {device.label}
            </Title>
            <Text span size="sm" c="dimmed" ff="monospace">
              {device.name}
            </Text>
          </Group>
          <Availability available={device.available} />
        </Group>
        {device.reason !== undefined && <Reason reason={device.reason} remedy={device.remedy} />}
        {(device.adapters.length > 0 || device.limits.length > 0) && (
          <KeyValues items={[...device.adapters.map(adapterItem), ...device.limits.map(limitItem)]} />
        )}
        {device.available && !device.usedByRuns && (
          <Text size="sm" c="dimmed">
            Runs do not compute on it yet; it can be measured.
          </Text>
        )}
        {device.available && <Speed device={device} busy={busy} />}
      </Stack>
    </Card>
  )
}

const Availability = ({ available }: { readonly available: boolean }) => (
  <Badge
    variant="light"
    tt="none"
    fw={500}
    color={available ? 'teal' : 'gray'}
    leftSection={available ? <IconCheck size={12} aria-hidden /> : <IconX size={12} aria-hidden />}
  >
    {available ? 'Available' : 'Missing'}
  </Badge>
)

function Reason({ reason, remedy }: { readonly reason: string; readonly remedy: string | undefined }) {
  return (
    <Stack gap={4}>
      <Text size="sm" style={{ overflowWrap: 'anywhere' }}>
        <b>Why:</b> {sentence(reason)}
      </Text>
      {remedy !== undefined && (
        <Text size="sm" style={{ overflowWrap: 'anywhere' }}>
          <b>What to do:</b> {sentence(remedy)}
        </Text>
      )}
    </Stack>
  )
}

/** With a capital letter and a full stop. */
const sentence = (text: string): string => `${capitalized(text).replace(/\.$/, '')}.`

const adapterItem = (name: string, index: number, all: readonly string[]) =>
  [all.length > 1 ? `Adapter ${index + 1}` : 'Adapter', name] as const

const limitItem = ({ name, value, unit }: DeviceReport['limits'][number]) =>
  [sentence(name).slice(0, -1), limitText(value, unit)] as const

function limitText(value: number | string, unit?: 'bytes'): string {
  if (typeof value === 'string') return value
  return unit === 'bytes' ? formatBytes(value) : formatCount(value)
}

function Speed({ device, busy }: Props) {
  const measure = useTask('devices.measure')
  const { speed } = device
  const label = speed === null ? 'Measure speed' : 'Measure again'
  const button = (
    <Button
      size="xs"
      variant="default"
      leftSection={<IconGauge size={14} aria-hidden />}
      style={{ flexShrink: 0 }}
      loading={measure.running}
      disabled={busy}
      aria-label={`${label}: ${device.label}`}
      onClick={() => void measure.run({ device: device.name })}
    >
      {label}
    </Button>
  )
  return (
    <Stack gap="xs" mt="auto">
      <Group justify="space-between" wrap="nowrap">
        {speed === null ? (
          <Text size="sm" c="dimmed">
            Speed not measured yet
          </Text>
        ) : (
          <div>
            <Text fw={600} className="num">
              {formatNumber(speed.gflops)} GFLOP/s
            </Text>
            <Text size="xs" c="dimmed">
              float32 product {formatCount(speed.size)} × {formatCount(speed.size)},{' '}
              <RelativeTime atMs={speed.measuredAtMs} />
            </Text>
          </div>
        )}
        {busy ? <Tooltip label="A run computes now; measure when it has ended">{button}</Tooltip> : button}
      </Group>
      {measure.error && <ErrorCard title="The measurement failed" error={measure.error} />}
    </Stack>
  )
}
