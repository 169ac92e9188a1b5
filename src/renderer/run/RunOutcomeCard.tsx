import { Alert, Button, Code, Collapse, Group, List, Stack, Text } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { IconAlertTriangle, IconClock, IconInfoCircle } from '@tabler/icons-react'
import type { RunProof } from '../../shared/contract/proof'
import type { ErrorCode } from '../../shared/errors'
import { isResumable } from '../../shared/resumable'
import { warningCount } from '../../shared/runWords'
import { useCall } from '../api/hooks'
import { CopyButton } from '../components/CopyButton'
import { Sentence } from '../components/Sentence'
import { plural } from '../format/numbers'
import { HELD, RESUME_ELSEWHERE, resumeElsewhere } from '../runs/queueActions'
import { kept, resumed } from './proofData'

/** What to do about a failure, beside what its message says. */
const ADVICE: Readonly<Record<ErrorCode, string>> = {
  BAD_INPUT: 'Mend what the message names, then resume; or run again with changes.',
  BAD_FORMAT: 'The file is damaged or not what it says it is. Get it again, then resume; or run again with changes.',
  NUMERICS:
    'The checkpoint gives values that cannot be computed with, so the run cannot go on. Mend the checkpoint, then run again.',
  IO: 'Put the file back, give access to it, or make room on the disk or in memory, as the message asks; then resume. Where it is the folder of the adapters, another one serves as well.',
  DEVICE: 'The device failed. Resume, or run again with changes on another device.',
  LOCKED: 'Another process works on this run. Wait for it, or stop it, then resume.',
  CANCELLED: 'Resume whenever you like.',
  STORE: 'The database could not be written. Look at the data folder in Settings, then resume.',
  INTERNAL: 'This is a defect of Quail. Resuming may help; please report the details.'
}

/** Why a run is not complete, what is kept, and what to do; warnings of one that is. */
export function RunOutcomeCard({ run }: { readonly run: RunProof }) {
  const notes = run.warnings.length > 0 && <Warnings run={run} />
  switch (run.status) {
    case 'failed':
      return (
        <>
          <Failure run={run} />
          {notes}
        </>
      )
    case 'interrupted':
      return (
        <Alert color="orange" variant="light" icon={<IconAlertTriangle aria-hidden />} title="The run was interrupted">
          <Text size="sm">
            The process that worked on it ended without finishing: the app was closed or killed, or the machine went
            down. {resumed(run)} and gives the same bytes.
          </Text>
        </Alert>
      )
    case 'queued':
      return <Waiting run={run} />
    case 'cancelled':
      return (
        <Alert color="blue" variant="light" icon={<IconInfoCircle aria-hidden />} title="The run was stopped">
          <Text size="sm">{resumed(run)}.</Text>
        </Alert>
      )
    default:
      return notes || null
  }
}

function Waiting({ run }: { readonly run: RunProof }) {
  const { data: queue } = useCall('queue.state', {})
  const before = (queue?.waiting.findIndex(({ id }) => id === run.id) ?? -1) + (queue?.running == null ? 0 : 1)
  const begun = run.blocksDone > 0 ? `${kept(run)} ` : ''
  return (
    <Alert color="blue" variant="light" icon={<IconClock aria-hidden />} title="The run waits in the queue">
      <Text size="sm">
        {begun}
        {queue?.held ? HELD : before > 0 ? `It begins after ${plural(before, 'run')}.` : 'It begins next.'}
      </Text>
    </Alert>
  )
}

function Failure({ run }: { readonly run: RunProof }) {
  const [open, { toggle }] = useDisclosure(false)
  const error = run.error ?? { code: 'INTERNAL', message: 'the engine did not say why' }
  const stack = run.error?.stack
  const details = [`run ${run.id}`, `${error.code}: ${error.message}`, stack].filter(Boolean).join('\n')
  return (
    <Alert
      role="alert"
      color="orange"
      variant="light"
      icon={<IconAlertTriangle aria-hidden />}
      title={`The run failed ${whereOf(run)}`}
    >
      <Stack gap="xs" align="flex-start">
        <Text size="sm" style={{ overflowWrap: 'anywhere' }}>
          <Sentence>{error.message}</Sentence>
        </Text>
        <Text size="sm">
          {ADVICE[error.code as ErrorCode] ?? ADVICE.INTERNAL} {isResumable(run) && kept(run)}
        </Text>
        <Group gap="xs">
          <Button size="xs" variant="default" onClick={toggle} aria-expanded={open}>
            {open ? 'Hide details' : 'Details'}
          </Button>
          {error.code === 'IO' && isResumable(run) && (
            <Button size="xs" variant="default" onClick={() => void resumeElsewhere(run.id)}>
              {RESUME_ELSEWHERE}
            </Button>
          )}
          <CopyButton value={details} label="Copy details" />
        </Group>
        <Collapse expanded={open}>
          <Code block style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}>
            {details}
          </Code>
        </Collapse>
      </Stack>
    </Alert>
  )
}

function whereOf({ planned, blocksDone }: RunProof): string {
  if (planned === null) return 'before its first block'
  return blocksDone < planned.blocks ? `in block ${blocksDone + 1} of ${planned.blocks}` : 'after its last block'
}

function Warnings({ run: { warnings } }: { readonly run: RunProof }) {
  return (
    <Alert color="gray" variant="light" icon={<IconInfoCircle aria-hidden />} title={warningCount(warnings)}>
      <List size="sm">
        {warnings.map(({ message }) => (
          <List.Item key={message} style={{ overflowWrap: 'anywhere' }}>
            <Sentence>{message}</Sentence>
          </List.Item>
        ))}
      </List>
    </Alert>
  )
}
