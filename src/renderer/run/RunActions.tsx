import { Button } from '@mantine/core'
import {
  IconArrowsDiff,
  IconPackageExport,
  IconPlayerPause,
  IconPlayerPlay,
  IconPlayerStop,
  IconRefresh
} from '@tabler/icons-react'
import { useLocation } from 'wouter'
import type { CallInput } from '../../shared/contract'
import type { RunProof } from '../../shared/contract/proof'
import { isResumable } from '../../shared/resumable'
import { useAction, useCall } from '../api/hooks'
import { notifyError } from '../components/notify'
import { useElsewhere } from '../runs/elsewhere'
import { LET_GO_ON, pauseLabel } from '../runs/queueActions'
import { exportAddress } from '../runs/runAddress'

type QueueAction = 'queue.resume' | 'queue.cancel' | 'queue.hold'

interface Props {
  readonly run: RunProof
  /** The variant that the person chose; missing where the page shows the one that the run recommends. */
  readonly chosen: string | undefined
}

/** What can be done with the run now. */
export function RunActions({ run, chosen }: Props) {
  const queue = useCall('queue.state', {})
  const held = queue.data?.held ?? false
  const elsewhere = useElsewhere([run])
  switch (run.status) {
    case 'running':
      return elsewhere !== false ? null : (
        <>
          {held ? <LetGoOn label="Keep on" /> : <Pause />}
          <Stop id={run.id} label="Stop" />
        </>
      )
    case 'queued':
      return (
        <>
          {held && <LetGoOn label={LET_GO_ON} primary />}
          <Stop id={run.id} label="Take out of the queue" />
        </>
      )
    case 'interrupted':
    case 'cancelled':
    case 'failed':
      return (
        <>
          <RunAgain id={run.id} />
          {isResumable(run) && <Resume id={run.id} />}
        </>
      )
    case 'completed':
      return (
        <>
          <RunAgain id={run.id} />
          <CompareAndExport id={run.id} chosen={chosen} />
        </>
      )
  }
}

const playIcon = <IconPlayerPlay size={16} aria-hidden />

const LetGoOn = ({ label, primary }: { readonly label: string; readonly primary?: boolean }) => (
  <Action name="queue.hold" input={{ held: false }} label={label} icon={playIcon} primary={primary} />
)

const Pause = () => (
  <Action
    name="queue.hold"
    input={{ held: true }}
    label={pauseLabel(true)}
    icon={<IconPlayerPause size={16} aria-hidden />}
  />
)

const Stop = ({ id, label }: { readonly id: string; readonly label: string }) => (
  <Action name="queue.cancel" input={{ id }} label={label} icon={<IconPlayerStop size={16} aria-hidden />} />
)

const Resume = ({ id }: { readonly id: string }) => (
  <Action primary name="queue.resume" input={{ id }} label="Resume" icon={playIcon} />
)

function CompareAndExport({ id, chosen }: { readonly id: string; readonly chosen: string | undefined }) {
  const [, navigate] = useLocation()
  return (
    <>
      <Button
        variant="default"
        leftSection={<IconArrowsDiff size={16} aria-hidden />}
        onClick={() => navigate(`/compare?runs=${encodeURIComponent(id)}`)}
      >
        Compare
      </Button>
      <Button
        leftSection={<IconPackageExport size={16} aria-hidden />}
        onClick={() => navigate(exportAddress(id, chosen))}
      >
        Export
      </Button>
    </>
  )
}

function RunAgain({ id }: { readonly id: string }) {
  const [, navigate] = useLocation()
  return (
    <Button
      variant="default"
      leftSection={<IconRefresh size={16} aria-hidden />}
      onClick={() => navigate(`/new?recipe=${encodeURIComponent(id)}`)}
    >
      Run again with changes
    </Button>
  )
}

interface ActionProps<N extends QueueAction> {
  readonly name: N
  readonly input: CallInput<N>
  readonly label: string
  readonly icon: React.ReactNode
  readonly primary?: boolean | undefined
}

function Action<N extends QueueAction>({ name, input, label, icon, primary = false }: ActionProps<N>) {
  const action = useAction(name)
  return (
    <Button
      variant={primary ? 'filled' : 'default'}
      leftSection={icon}
      loading={action.isPending}
      onClick={() => action.mutate(input, { onError: (error) => notifyError(`${label}: that did not work`, error) })}
    >
      {label}
    </Button>
  )
}
