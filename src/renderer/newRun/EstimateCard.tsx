import { Flex, Group, Stack, Text, Tooltip } from '@mantine/core'
import type { ReactNode } from 'react'
import { durationText } from '../../shared/durationText'
import { keptMomentsSentence } from '../../shared/keptMoments'
import type { Plan } from '../../shared/plan'
import { formatBytes } from '../format/numbers'

interface Props {
  readonly plan: Plan | undefined
  readonly stale: boolean
}

/** What the run takes: the same numbers as on the command line and on the run's page. */
export function EstimateCard({ plan, stale }: Props) {
  const speed = plan?.speed.measured === true ? "at this machine's measured speed" : 'at an assumed speed'
  return (
    <Stack gap={4} aria-label="Estimate" role="group" aria-busy={stale}>
      <Flex columnGap="lg" rowGap="xs" wrap="wrap">
        <Figure label="Time" value={plan && `~${durationText(1000 * plan.seconds)}`} help={`About, ${speed}`} />
        <Figure
          label="Memory"
          value={plan && formatBytes(plan.peakMemoryBytes)}
          help="The most that the engine is expected to hold at any moment"
        />
        <Figure
          label="Disk"
          value={plan && formatBytes(plan.spoolBytes + plan.adapterBytes)}
          help={
            plan && `${formatBytes(plan.spoolBytes)} while it works, ${formatBytes(plan.adapterBytes)} for the adapters`
          }
        />
      </Flex>
      {plan && (
        <Text size="xs" c="dimmed" className="num">
          {formatBytes(plan.adapterBytes)} of it for the adapters. Time {speed}.
        </Text>
      )}
      {plan?.moments && (
        <Text size="xs" c="dimmed" className="num" data-moments={plan.moments.state}>
          Second moments {keptMomentsSentence(plan.moments, formatBytes)}.
        </Text>
      )}
    </Stack>
  )
}

function Figure({ label, value, help }: { label: string; value: ReactNode; help: string | undefined }) {
  return (
    <Tooltip label={help} disabled={help === undefined} multiline maw={300}>
      <Stack gap={0}>
        <Group gap={4}>
          <Text size="xs" c="dimmed">
            {label}
          </Text>
        </Group>
        <Text fw={600} className="num" style={{ whiteSpace: 'nowrap' }} data-figure={label}>
          {value ?? '–'}
        </Text>
      </Stack>
    </Tooltip>
  )
}
