import { Button } from '@mantine/core'
import { IconArrowsDiff, IconFileReport, IconPlayerPlay, IconPlayerStop } from '@tabler/icons-react'
import { Link, useLocation } from 'wouter'
import type { Sweep } from '../../shared/sweep/results'
import { useAction, useCall } from '../api/hooks'
import { notifyDone, notifyError } from '../components/notify'
import { useElsewhere } from '../runs/elsewhere'
import { holdQueue, LET_GO_ON } from '../runs/queueActions'
import { SweepMenu } from './SweepMenu'

/** What can be done with a sweep now. */
export function SweepActions({ sweep }: { readonly sweep: Sweep }) {
  const { definition, runs, completed, total } = sweep
  const { id, out } = definition
  const working = runs.filter(({ status }) => status === 'queued' || status === 'running').length
  const done = runs.filter(({ status }) => status === 'completed').map((run) => run.id)
  // Who works on it makes the runs that are missing, too.
  const here = useElsewhere(runs) === false
  const queue = useCall('queue.state', {})
  const [, navigate] = useLocation()
  return (
    <>
      <SweepMenu sweep={sweep} size={36} onDeleted={() => navigate('/sweeps')} />
      {here && completed + working < total && <GoOn id={id} />}
      {here && working > 0 && <Stop id={id} />}
      {working > 0 && queue.data?.held && <LetGoOn />}
      {done.length > 0 && (
        <>
          <Button
            variant="default"
            component={Link}
            href={`/compare?runs=${done.join(',')}`}
            leftSection={<IconArrowsDiff size={16} aria-hidden />}
          >
            Compare runs
          </Button>
          <WriteReport id={id} out={out} />
        </>
      )}
    </>
  )
}

interface OfSweep {
  readonly id: string
}

function GoOn({ id }: OfSweep) {
  const { mutate, isPending } = useAction('sweeps.resume')
  return (
    <Button
      leftSection={<IconPlayerPlay size={16} aria-hidden />}
      loading={isPending}
      onClick={() => mutate({ id }, { onError: (error) => notifyError('The sweep does not go on', error) })}
    >
      Go on
    </Button>
  )
}

const LetGoOn = () => (
  <Button leftSection={<IconPlayerPlay size={16} aria-hidden />} onClick={() => void holdQueue(false)}>
    {LET_GO_ON}
  </Button>
)

function Stop({ id }: OfSweep) {
  const { mutate, isPending } = useAction('sweeps.stop')
  return (
    <Button
      variant="default"
      leftSection={<IconPlayerStop size={16} aria-hidden />}
      loading={isPending}
      onClick={() => mutate({ id }, { onError: (error) => notifyError('The sweep was not stopped', error) })}
    >
      Stop
    </Button>
  )
}

function WriteReport({ id, out }: OfSweep & { readonly out: string }) {
  const { mutate, isPending } = useAction('sweeps.report', () =>
    notifyDone(`README.md, sweep.csv and sweep.json were written to ${out}`)
  )
  return (
    <Button
      variant="default"
      leftSection={<IconFileReport size={16} aria-hidden />}
      loading={isPending}
      onClick={() => mutate({ id }, { onError: (error) => notifyError('The report was not written', error) })}
    >
      Write report
    </Button>
  )
}
