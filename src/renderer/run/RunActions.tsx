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

type QueueAction = 'queue.resume' | 'queue.cancel' | 'queue.hold'

/** What can be done with the run now. */
export function RunActions({ run }: { readonly run: RunProof }) {
  const [, navigate] = useLocation()
  const queue = useCall('queue.state', {})
  const held = queue.data?.held ?? false
  switch (run.status) {
    case 'running':
      return (
        <>
          {held ? (
            <Action
              name="queue.hold"
              input={{ held: false }}
              label="Keep on"
              icon={<IconPlayerPlay size={16} aria-hidden />}
            />
          ) : (
            <Action
              name="queue.hold"
              input={{ held: true }}
              label="Pause after this block"
              icon={<IconPlayerPause size={16} aria-hidden />}
            />
          )}
          <Action
            name="queue.cancel"
            input={{ id: run.id }}
            label="Stop"
            icon={<IconPlayerStop size={16} aria-hidden />}
          />
        </>
      )
    case 'queued':
      return (
        <>
          {held && (
            <Action
              primary
              name="queue.hold"
              input={{ held: false }}
              label="Let the queue go on"
              icon={<IconPlayerPlay size={16} aria-hidden />}
            />
          )}
          <Action
            name="queue.cancel"
            input={{ id: run.id }}
            label="Take out of the queue"
            icon={<IconPlayerStop size={16} aria-hidden />}
          />
        </>
      )
    case 'interrupted':
    case 'cancelled':
    case 'failed':
      return !isResumable(run) ? (
        <RunAgain id={run.id} />
      ) : (
        <Action
          primary
          name="queue.resume"
          input={{ id: run.id }}
          label="Resume"
          icon={<IconPlayerPlay size={16} aria-hidden />}
        />
      )
    case 'completed':
      return (
        <>
          <RunAgain id={run.id} />
          <Button
            variant="default"
            leftSection={<IconArrowsDiff size={16} aria-hidden />}
            onClick={() => navigate(`/compare?runs=${encodeURIComponent(run.id)}`)}
          >
            Compare
          </Button>
          <Button
            leftSection={<IconPackageExport size={16} aria-hidden />}
            onClick={() => navigate(`/runs/${encodeURIComponent(run.id)}/export`)}
          >
            Export
          </Button>
        </>
      )
  }
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
  readonly primary?: boolean
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
