import { Box, Button, Group, Text, TextInput } from '@mantine/core'
import { IconChevronDown, IconChevronRight, IconSearch } from '@tabler/icons-react'
import { useVirtualizer } from '@tanstack/react-virtual'
import { type KeyboardEvent, useDeferredValue, useMemo, useRef, useState } from 'react'
import type { InspectedTensor } from '../../shared/inspection'
import { formatCount, formatParameters, plural } from '../format/numbers'
import { RoleBadge } from './RoleBadge'
import classes from './TensorTree.module.css'
import { buildTree, countFitting, modulePaths, type TreeRow, visibleRows } from './tensorTree'

const ROW_HEIGHT = 32

/** The tensors of a checkpoint by module: searchable, collapsible, and only what is visible is in the document. */
export function TensorTree({ tensors }: { readonly tensors: readonly InspectedTensor[] }) {
  const [query, setQuery] = useState('')
  const searched = useDeferredValue(query)
  const roots = useMemo(() => buildTree(tensors), [tensors])
  const [expanded, setExpanded] = useState<ReadonlySet<string>>(() => new Set(roots.map(({ path }) => path)))
  const rows = useMemo(() => visibleRows(roots, expanded, searched), [roots, expanded, searched])
  const fitting = useMemo(() => countFitting(tensors, searched), [tensors, searched])
  const toggle = ({ node, expanded: open }: TreeRow): void => {
    if (open === undefined) return
    const next = new Set(expanded)
    if (!next.delete(node.path)) next.add(node.path)
    setExpanded(next)
  }
  return (
    <>
      <Group gap="xs" mb="xs">
        <TextInput
          style={{ flex: 1 }}
          maw={380}
          size="sm"
          aria-label="Search tensors"
          placeholder="Name, dtype or part: layers.0 norm"
          leftSection={<IconSearch size={14} aria-hidden />}
          value={query}
          onChange={(event) => setQuery(event.currentTarget.value)}
        />
        <Button size="xs" variant="default" onClick={() => setExpanded(new Set(modulePaths(roots)))}>
          Expand all
        </Button>
        <Button size="xs" variant="default" onClick={() => setExpanded(new Set())}>
          Collapse all
        </Button>
        <Text size="sm" c="dimmed" role="status">
          {searched.trim() === ''
            ? plural(tensors.length, 'tensor')
            : `${formatCount(fitting)} of ${plural(tensors.length, 'tensor')} fit`}
        </Text>
      </Group>
      {rows.length === 0 ? (
        <Text c="dimmed" py="lg" ta="center">
          No tensor fits this search.
        </Text>
      ) : (
        <TreeTable rows={rows} onToggle={toggle} />
      )}
    </>
  )
}

interface TableProps {
  readonly rows: readonly TreeRow[]
  readonly onToggle: (row: TreeRow) => void
}

function TreeTable({ rows, onToggle }: TableProps) {
  const [active, setActive] = useState(0)
  const viewport = useRef<HTMLDivElement>(null)
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => viewport.current,
    estimateSize: () => ROW_HEIGHT,
    overscan: 10
  })
  const activeIndex = Math.min(active, rows.length - 1)

  function focusRow(index: number): void {
    const target = Math.max(0, Math.min(rows.length - 1, index))
    setActive(target)
    virtual.scrollToIndex(target)
    const row = () => viewport.current?.querySelector<HTMLElement>(`[data-index="${target}"]`)
    // A row out of sight is in the document only after the next frame; the others must not lose a quick key.
    if (row()) row()?.focus()
    else requestAnimationFrame(() => row()?.focus())
  }

  function onKeyDown(event: KeyboardEvent, index: number): void {
    const row = rows[index] as TreeRow
    const page = Math.max(1, Math.floor((viewport.current?.clientHeight ?? 400) / ROW_HEIGHT) - 2)
    const parent = rows.findLastIndex(({ level }, i) => i < index && level < row.level)
    const actions: Record<string, () => void> = {
      ArrowDown: () => focusRow(index + 1),
      ArrowUp: () => focusRow(index - 1),
      PageDown: () => focusRow(index + page),
      PageUp: () => focusRow(index - page),
      Home: () => focusRow(0),
      End: () => focusRow(rows.length - 1),
      ArrowRight: () => (row.expanded === false ? onToggle(row) : focusRow(index + 1)),
      ArrowLeft: () => (row.expanded === true ? onToggle(row) : focusRow(parent)),
      Enter: () => onToggle(row),
      ' ': () => onToggle(row)
    }
    const action = actions[event.key]
    if (action === undefined) return
    event.preventDefault()
    action()
  }

  return (
    <Box
      ref={viewport}
      className={classes.viewport}
      style={{ height: `min(60dvh, ${38 + ROW_HEIGHT * rows.length + 2}px)` }}
      role="treegrid"
      aria-label="Tensors"
      aria-rowcount={rows.length + 1}
    >
      <Box role="row" aria-rowindex={1} className={`${classes.row} ${classes.head}`}>
        {['Name', 'Shape', 'Dtype', 'Parameters', 'Part', 'File'].map((title) => (
          <Box
            key={title}
            role="columnheader"
            className={`${classes.cell} ${title === 'Parameters' ? classes.number : ''}`}
          >
            <Text span size="xs" fw={600} c="dimmed">
              {title}
            </Text>
          </Box>
        ))}
      </Box>
      <Box role="rowgroup" style={{ height: virtual.getTotalSize(), position: 'relative' }}>
        {virtual.getVirtualItems().map(({ index, start }) => {
          const row = rows[index] as TreeRow
          return (
            <Box
              key={row.node.path}
              role="row"
              aria-rowindex={index + 2}
              aria-level={row.level}
              aria-expanded={row.expanded}
              data-index={index}
              data-module={row.expanded !== undefined || undefined}
              tabIndex={index === activeIndex ? 0 : -1}
              className={classes.row}
              style={{ transform: `translateY(${start}px)` }}
              onFocus={() => setActive(index)}
              onClick={() => onToggle(row)}
              onKeyDown={(event) => onKeyDown(event, index)}
            >
              <Cells row={row} />
            </Box>
          )
        })}
      </Box>
    </Box>
  )
}

function Cells({ row: { node, level, expanded } }: { readonly row: TreeRow }) {
  const { tensor } = node
  const Chevron = expanded === true ? IconChevronDown : IconChevronRight
  return (
    <>
      <Box role="gridcell" className={`${classes.cell} ${classes.name}`} pl={10 + 18 * (level - 1)} title={node.path}>
        {tensor === undefined ? <Chevron size={14} aria-hidden /> : <Box w={14} />}
        <Text span size="sm" className={classes.label} fw={tensor === undefined ? 600 : 400}>
          {node.label}
        </Text>
        {tensor === undefined && (
          <Text span size="xs" c="dimmed">
            {plural(node.tensors, 'tensor')}
          </Text>
        )}
      </Box>
      <Box role="gridcell" className={classes.cell}>
        {tensor && (tensor.shape.length === 0 ? 'scalar' : tensor.shape.map(formatCount).join(' × '))}
      </Box>
      <Box role="gridcell" className={classes.cell}>
        {tensor?.dtype}
      </Box>
      <Box role="gridcell" className={`${classes.cell} ${classes.number}`}>
        {formatParameters(node.parameters)}
      </Box>
      <Box role="gridcell" className={classes.cell}>
        {tensor?.role && <RoleBadge role={tensor.role} />}
      </Box>
      <Box role="gridcell" className={classes.cell} title={tensor?.file}>
        {tensor?.file}
      </Box>
    </>
  )
}
