import { Anchor, Button, Checkbox, Group, Progress, Stack, Table, Text, Title } from '@mantine/core'
import { IconTrash } from '@tabler/icons-react'
import { useState } from 'react'
import { Link } from 'wouter'
import { STATUS_WORDS } from '../../shared/runWords'
import type { Cleanup, StorageReport } from '../../shared/settings'
import { useAction, useCall } from '../api/hooks'
import { confirm } from '../components/confirm'
import { notifyDone, notifyError } from '../components/notify'
import { PathText } from '../components/PathText'
import { QueryView } from '../components/QueryView'
import { uncapitalized } from '../format/letters'
import { formatBytes, plural } from '../format/numbers'
import { runAddress } from '../runs/runAddress'

/** Quail's folder: where it is, what fills it, and what of it could go. */
export function StoragePanel() {
  const storage = useCall('settings.storage', {})
  return (
    <QueryView query={storage} failure="The size of Quail's folder could not be found out">
      {(report) => (
        <Stack gap="xl" maw={860}>
          <Overview report={report} />
          <Cleanups cleanups={report.cleanups} />
          <Runs report={report} />
        </Stack>
      )}
    </QueryView>
  )
}

const COLORS = ['teal.7', 'blue.6', 'orange.6', 'pink.6', 'grape.6', 'gray.6']

function Overview({ report: { home, bytes, freeBytes, parts } }: { readonly report: StorageReport }) {
  return (
    <section aria-labelledby="data-folder">
      <Title order={2} size="h4" id="data-folder" mb="xs">
        Data folder
      </Title>
      <PathText path={home} length={72} />
      <Text size="sm" c="dimmed" mt={4} mb="sm">
        {formatBytes(bytes)} used, {formatBytes(freeBytes)} free on its disk. QUAIL_HOME chooses another folder when
        Quail is started.
      </Text>
      <Progress.Root size="lg" aria-hidden>
        {parts.map(({ name, bytes: size }, index) => (
          <Progress.Section key={name} value={bytes === 0 ? 0 : (100 * size) / bytes} color={COLORS[index] ?? 'gray'} />
        ))}
      </Progress.Root>
      <Table mt="xs" w="auto" withRowBorders={false} verticalSpacing={2} aria-label="Parts of the data folder">
        <Table.Tbody>
          {parts.map(({ name, bytes: size }, index) => (
            <Table.Tr key={name}>
              <Table.Td>
                <Group gap="xs" wrap="nowrap">
                  <Swatch color={COLORS[index] ?? 'gray.6'} />
                  <Text size="sm">{name}</Text>
                </Group>
              </Table.Td>
              <Table.Td ta="right" className="num">
                {formatBytes(size)}
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </section>
  )
}

function Swatch({ color }: { readonly color: string }) {
  const variable = `var(--mantine-color-${color.replace('.', '-')})`
  return <span aria-hidden style={{ width: 10, height: 10, borderRadius: 2, background: variable, flex: 'none' }} />
}

function Cleanups({ cleanups }: { readonly cleanups: readonly Cleanup[] }) {
  const [chosen, setChosen] = useState<readonly string[]>([])
  const { mutate, isPending } = useAction('settings.cleanUp')
  const picked = cleanups.filter(({ id }) => chosen.includes(id))
  const bytes = picked.reduce((sum, one) => sum + one.bytes, 0)
  const clean = async (): Promise<void> => {
    const agreed = await confirm({
      title: `Remove ${formatBytes(bytes)}?`,
      body: picked.map(({ title, loses }) => `${title}: ${loses}`).join(' '),
      confirm: `Remove ${plural(picked.length, 'item')}`
    })
    if (!agreed) return
    mutate(
      { ids: picked.map(({ id }) => id) },
      {
        onSuccess: (freed) => {
          setChosen([])
          notifyDone(`${formatBytes(freed.bytes)} freed`)
        },
        onError: (error) => notifyError('Nothing was cleaned up', error)
      }
    )
  }
  return (
    <section aria-labelledby="clean-up">
      <Title order={2} size="h4" id="clean-up">
        Clean up
      </Title>
      <Text size="sm" c="dimmed" mb="sm">
        {cleanups.length === 0
          ? 'There is nothing that could go: no hidden states of unfinished runs, no second moments, no old copies of the database.'
          : 'What can be made again or is a copy. Adapters are never touched.'}
      </Text>
      {cleanups.length > 0 && (
        <Stack gap="sm" align="flex-start">
          {cleanups.map(({ id, title, bytes: size, loses }) => (
            <Checkbox
              key={id}
              label={`${title} · ${formatBytes(size)}`}
              description={`Lost with it: ${uncapitalized(loses)}`}
              checked={chosen.includes(id)}
              onChange={({ currentTarget: { checked } }) =>
                setChosen(checked ? [...chosen, id] : chosen.filter((one) => one !== id))
              }
            />
          ))}
          <Button
            color="red"
            variant="light"
            leftSection={<IconTrash size={16} aria-hidden />}
            disabled={picked.length === 0}
            loading={isPending}
            onClick={() => void clean()}
          >
            {picked.length === 0 ? 'Remove' : `Remove ${formatBytes(bytes)}…`}
          </Button>
        </Stack>
      )}
    </section>
  )
}

/** The largest alone: the list of runs has all of them. */
const SHOWN = 10

function Runs({ report: { runs } }: { readonly report: StorageReport }) {
  if (runs.length === 0) return null
  return (
    <section aria-labelledby="largest-runs">
      <Title order={2} size="h4" id="largest-runs" mb="xs">
        Largest runs
      </Title>
      <Table aria-label="Largest runs">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Run</Table.Th>
            <Table.Th>Status</Table.Th>
            <Table.Th ta="right">Size</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {runs.slice(0, SHOWN).map(({ id, title, status, bytes }) => (
            <Table.Tr key={id}>
              <Table.Td>
                <Anchor
                  component={Link}
                  href={runAddress(id)}
                  size="sm"
                  title={id}
                  style={{ overflowWrap: 'anywhere' }}
                >
                  {title}
                </Anchor>
              </Table.Td>
              <Table.Td style={{ whiteSpace: 'nowrap' }}>{STATUS_WORDS[status]}</Table.Td>
              <Table.Td ta="right" className="num" style={{ whiteSpace: 'nowrap' }}>
                {formatBytes(bytes)}
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </section>
  )
}
