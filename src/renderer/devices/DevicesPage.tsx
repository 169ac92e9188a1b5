import { Button, SimpleGrid, Text } from '@mantine/core'
import { IconRefresh } from '@tabler/icons-react'
import type { DeviceCard as Device } from '../../shared/contract/devices'
import { useAction, useCall } from '../api/hooks'
import { queryClient } from '../api/queryClient'
import { useJob } from '../api/useJob'
import { notifyError } from '../components/notify'
import { PageFrame } from '../components/PageFrame'
import { QueryView } from '../components/QueryView'
import { DeviceCard } from './DeviceCard'

/** What Quail can compute on, and why the rest is missing. */
export function DevicesPage() {
  const devices = useCall('devices.list', {})
  const refresh = useAction('devices.refresh', (found) => queryClient.setQueryData(['devices.list', {}], found))
  const busy = useJob().progress !== null
  return (
    <PageFrame
      title="Devices"
      subtitle={devices.data === undefined ? 'Looking for devices…' : summaryOf(devices.data)}
      actions={
        <Button
          variant="default"
          leftSection={<IconRefresh size={16} aria-hidden />}
          loading={refresh.isPending}
          onClick={() =>
            refresh.mutate({}, { onError: (error) => notifyError('The devices could not be looked for', error) })
          }
        >
          Look again
        </Button>
      }
    >
      <QueryView query={devices} failure="The devices could not be listed" rows={5}>
        {(found) => (
          <SimpleGrid cols={{ base: 1, md: 2 }} spacing="md">
            {found.map((device) => (
              <DeviceCard key={device.name} device={device} busy={busy} />
            ))}
          </SimpleGrid>
        )}
      </QueryView>
      <Text size="sm" c="dimmed">
        A run computes on the device that its recipe names, and stops with a reason when that is missing or fails; it
        goes on on the processor only where its recipe says so.
      </Text>
    </PageFrame>
  )
}

function summaryOf(devices: readonly Device[]): string {
  const usable = devices.filter(({ available, usedByRuns }) => available && usedByRuns).map(({ label }) => label)
  return `Runs can compute on: ${usable.join(', ') || 'nothing'}.`
}
