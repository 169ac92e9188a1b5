import { ActionIcon, Anchor, Group, Text, Tooltip, VisuallyHidden } from '@mantine/core'
import { IconArrowBarToUp, IconGripVertical, IconX } from '@tabler/icons-react'
import { type DragEvent, type KeyboardEvent, useRef, useState } from 'react'
import { Link } from 'wouter'
import type { RunListEntry } from '../../shared/contract/runs'
import { modelName } from '../../shared/modelName'
import { plural } from '../format/numbers'
import { moveItem } from './moveItem'
import { cancelRun } from './queueActions'
import { runAddress } from './runAddress'
import { useOrder } from './useOrder'
import classes from './WaitingList.module.css'

/** The runs that wait, in their order; dragged by the handle, or moved by arrow keys on it. */
export function WaitingList({ runs }: { readonly runs: readonly RunListEntry[] }) {
  const { ordered, setOrder } = useOrder(runs)
  const [dragged, setDragged] = useState<string | null>(null)
  const [target, setTarget] = useState<number | null>(null)
  const [said, setSaid] = useState('')
  const list = useRef<HTMLOListElement>(null)
  const ids = ordered.map(({ id }) => id)

  function move(run: RunListEntry, to: number): void {
    const place = Math.max(0, Math.min(ids.length - 1, to))
    if (ids.indexOf(run.id) === place) return
    setOrder(moveItem(ids, run.id, place))
    setSaid(`${run.title} is ${place + 1} of ${ids.length}`)
    requestAnimationFrame(() =>
      list.current?.querySelector<HTMLElement>(`[data-handle="${CSS.escape(run.id)}"]`)?.focus()
    )
  }

  function drop(event: DragEvent): void {
    event.preventDefault()
    const run = ordered.find(({ id }) => id === dragged)
    if (run !== undefined && target !== null) move(run, target > ids.indexOf(run.id) ? target - 1 : target)
    end()
  }

  function end(): void {
    setDragged(null)
    setTarget(null)
  }

  return (
    <>
      <ol ref={list} className={classes.list} aria-label="Waiting runs" onDrop={drop}>
        {ordered.map((run, index) => (
          <li
            key={run.id}
            className={classes.item}
            data-dragged={run.id === dragged || undefined}
            data-target={
              target === index ? 'before' : target === ids.length && index === ids.length - 1 ? 'after' : undefined
            }
            draggable
            onDragStart={(event) => {
              event.dataTransfer.effectAllowed = 'move'
              event.dataTransfer.setData('text/plain', run.title)
              setDragged(run.id)
            }}
            onDragOver={(event) => {
              if (dragged === null) return
              event.preventDefault()
              setTarget(index + Number(isLowerHalf(event)))
            }}
            onDragEnd={end}
          >
            <Waiting run={run} index={index} last={ids.length - 1} onMove={(to) => move(run, to)} />
          </li>
        ))}
      </ol>
      <VisuallyHidden aria-live="polite">{said}</VisuallyHidden>
    </>
  )
}

function isLowerHalf(event: DragEvent<HTMLElement>): boolean {
  const { top, height } = event.currentTarget.getBoundingClientRect()
  return event.clientY > top + height / 2
}

interface HandleProps {
  readonly run: RunListEntry
  readonly index: number
  readonly last: number
  readonly onMove: (to: number) => void
}

/** Names go on in the next line. */
const WHOLE = { overflowWrap: 'anywhere', minWidth: 0 } as const

/** What is seen of a run that waits, and what can be done with it. */
function Waiting({ run, index, last, onMove }: HandleProps) {
  return (
    <>
      <Handle run={run} index={index} last={last} onMove={onMove} />
      <Text size="sm" c="dimmed" ta="right" className="num">
        {index + 1}
      </Text>
      <Group gap="xs" style={{ minWidth: 0 }}>
        <Anchor component={Link} href={runAddress(run.id)} size="sm" style={WHOLE} draggable={false}>
          {run.title}
        </Anchor>
        <Text size="sm" c="dimmed" style={WHOLE}>
          {modelName(run.model)} · {plural(run.variants.length, 'variant')}
        </Text>
      </Group>
      <Group gap={4} wrap="nowrap">
        <Tooltip label="Work on it next">
          <ActionIcon
            variant="subtle"
            color="gray"
            aria-label={`Work on ${run.title} next`}
            disabled={index === 0}
            onClick={() => onMove(0)}
          >
            <IconArrowBarToUp size={16} aria-hidden />
          </ActionIcon>
        </Tooltip>
        <Tooltip label="Take out of the queue">
          <ActionIcon
            variant="subtle"
            color="gray"
            aria-label={`Take ${run.title} out of the queue`}
            onClick={() => void cancelRun(run.id)}
          >
            <IconX size={16} aria-hidden />
          </ActionIcon>
        </Tooltip>
      </Group>
    </>
  )
}

function Handle({ run, index, last, onMove }: HandleProps) {
  const targets: Readonly<Record<string, number>> = { ArrowUp: index - 1, ArrowDown: index + 1, Home: 0, End: last }
  const onKeyDown = (event: KeyboardEvent): void => {
    const to = targets[event.key]
    if (to === undefined) return
    event.preventDefault()
    onMove(to)
  }
  return (
    <Tooltip label="Drag, or press ↑ ↓">
      <ActionIcon
        variant="subtle"
        color="gray"
        className={classes.handle}
        data-handle={run.id}
        aria-label={`Move ${run.title}, ${index + 1} of ${last + 1}, by arrow keys`}
        onKeyDown={onKeyDown}
      >
        <IconGripVertical size={16} aria-hidden />
      </ActionIcon>
    </Tooltip>
  )
}
