import { Anchor, Button, Table } from '@mantine/core'
import { IconChartDots, IconPlus } from '@tabler/icons-react'
import { Link } from 'wouter'
import { modelName } from '../../shared/modelName'
import { otherRuns, type Sweep } from '../../shared/sweep/results'
import { useCall } from '../api/hooks'
import { EmptyState } from '../components/EmptyState'
import { PageFrame } from '../components/PageFrame'
import { QueryView } from '../components/QueryView'
import { RelativeTime } from '../components/RelativeTime'
import { plural } from '../format/numbers'
import { SweepMenu } from './SweepMenu'
import { scrolledByKeys } from './scrolledByKeys'
import { sweepAddress } from './sweepAddress'

/** Every sweep, made here or on the command line. */
export function SweepsPage() {
  const list = useCall('sweeps.list', {})
  return (
    <PageFrame title="Sweeps" subtitle="What rank, and what text to calibrate on?">
      <QueryView query={list} failure="The sweeps could not be read">
        {(sweeps) => (sweeps.length === 0 ? <NoSweep /> : <SweepTable sweeps={sweeps} />)}
      </QueryView>
    </PageFrame>
  )
}

function NoSweep() {
  return (
    <EmptyState
      icon={<IconChartDots />}
      title="No sweep yet"
      action={
        <Button component={Link} href="/new" leftSection={<IconPlus size={16} aria-hidden />}>
          New run
        </Button>
      }
    >
      A sweep is several runs with one page: figures against rank, and of calibration sets on text of their own kind and
      of others, with error bars over choices of rows. Fill in a new run and make it a sweep there, or use quail sweep
      on the command line.
    </EmptyState>
  )
}

function SweepTable({ sweeps }: { readonly sweeps: readonly Sweep[] }) {
  return (
    <Table.ScrollContainer minWidth={560} scrollAreaProps={scrolledByKeys('Sweeps')}>
      <Table verticalSpacing="xs" aria-label="Sweeps">
        <Table.Thead>
          <Table.Tr>
            {['Sweep', 'Runs', 'Model', 'Calibrated on', 'Made'].map((title) => (
              <Table.Th key={title}>{title}</Table.Th>
            ))}
            <Table.Th w={48} aria-label="Actions" />
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {sweeps.map((sweep) => (
            <SweepRow key={sweep.definition.id} sweep={sweep} />
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  )
}

function SweepRow({ sweep }: { readonly sweep: Sweep }) {
  const { definition, completed, total, model, createdAtMs } = sweep
  const { id, name, sets, seeds } = definition
  return (
    <Table.Tr>
      <Table.Td style={{ overflowWrap: 'anywhere' }}>
        <Anchor component={Link} href={sweepAddress(id)} size="sm">
          {name}
        </Anchor>
      </Table.Td>
      <Table.Td className="num">
        {[`${completed} of ${total}`, ...otherRuns(sweep)].map((part, i, { length }) => (
          <span key={part} style={{ whiteSpace: 'nowrap' }}>
            {part}
            {i + 1 < length ? ', ' : ''}
          </span>
        ))}
      </Table.Td>
      <Table.Td style={{ overflowWrap: 'anywhere' }}>{modelName(model)}</Table.Td>
      <Table.Td style={{ overflowWrap: 'anywhere' }}>
        {sets.map(({ label }) => label).join(', ')};{' '}
        <span style={{ whiteSpace: 'nowrap' }}>{plural(seeds, 'seed')}</span>
      </Table.Td>
      <Table.Td style={{ whiteSpace: 'nowrap' }}>
        <RelativeTime atMs={createdAtMs} />
      </Table.Td>
      <Table.Td>
        <SweepMenu sweep={sweep} />
      </Table.Td>
    </Table.Tr>
  )
}
