import { Button, Group, NumberInput, Stack, Text } from '@mantine/core'
import { useState } from 'react'
import type { CalibrationSetDetail } from '../../shared/contract/calibration'
import { useCall } from '../api/hooks'
import { QueryView } from '../components/QueryView'
import { formatCount } from '../format/numbers'
import { SampleText } from './SampleText'

const PAGE = 20

/** The samples of a set as they are stored, a page at a time. */
export function SampleList({ set: { name, samples, kind } }: { readonly set: CalibrationSetDetail }) {
  const [first, setFirst] = useState(0)
  const page = useCall('calibration.samples', { name, after: first - 1, limit: PAGE }, { keepPrevious: true })
  const last = Math.min(samples, first + PAGE)
  const go = (to: number): void => setFirst(Math.max(0, Math.min(samples - 1, to)))
  return (
    <Stack gap="sm">
      <Group gap="sm" align="flex-end">
        <NumberInput
          label="From sample"
          min={1}
          max={samples}
          allowDecimal={false}
          thousandSeparator=","
          w={140}
          value={first + 1}
          onChange={(value) => go(Number(value) - 1 || 0)}
        />
        <Button variant="default" disabled={first === 0} onClick={() => go(first - PAGE)}>
          Previous
        </Button>
        <Button variant="default" disabled={last >= samples} onClick={() => go(first + PAGE)}>
          Next
        </Button>
        <Text size="sm" c="dimmed" className="num" pb={8}>
          {formatCount(first + 1)} to {formatCount(last)} of {formatCount(samples)}
        </Text>
      </Group>
      <QueryView query={page} failure="The samples could not be read">
        {(found) => (
          <Stack gap="sm">
            {found.map(({ position, text }) => (
              <SampleText key={position} label={`Sample ${formatCount(position + 1)}`} text={text} kind={kind} />
            ))}
          </Stack>
        )}
      </QueryView>
    </Stack>
  )
}
