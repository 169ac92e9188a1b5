import { Box, Button, Group, Text, TextInput } from '@mantine/core'
import { IconChevronDown, IconChevronRight, IconSearch } from '@tabler/icons-react'
import { useVirtualizer } from '@tanstack/react-virtual'
import { type KeyboardEvent, useDeferredValue, useMemo, useRef, useState } from 'react'
import type { InspectedTensor } from '../../shared/inspection'
import { useRowFocus } from '../components/useRowFocus'
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

const TreeHead = () => (
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
)

function TreeTable({ rows, onToggle }: TableProps) {
  const viewport = useRef<HTMLDivElement>(null)
  const virtual = useVirtualizer<HTMLDivElement, Element>({
    count: rows.length,
    getScrollElement: () => viewport.current,
    estimateSize: () => ROW_HEIGHT,
    overscan: 10
  })
  const { active, setActive, focusRow, page } = useRowFocus(viewport, virtual, rows.length, ROW_HEIGHT)

  function onKeyDown(event: KeyboardEvent, index: number): void {
    const row = rows[index] as TreeRow
    const parent = rows.findLastIndex(({ level }, i) => i < index && level < row.level)
    const to = { next: index + 1, parent, last: rows.length - 1, page: page(), index }
    const target = targetOf(event.key, row, to)
    if (target === undefined) return
    event.preventDefault()
    if (target === 'toggle') onToggle(row)
    else focusRow(target)
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
      <TreeHead />
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
              tabIndex={index === active ? 0 : -1}
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

interface Around {
  readonly index: number
  readonly next: number
  readonly parent: number
  readonly last: number
  readonly page: number
}

/** The row that a key leads to, or that this one opens or closes. */
function targetOf(key: string, { expanded }: TreeRow, around: Around): number | 'toggle' | undefined {
  const { index, next, parent, last, page } = around
  const targets: Readonly<Record<string, number | 'toggle'>> = {
    ArrowDown: next,
    ArrowUp: index - 1,
    PageDown: index + page,
    PageUp: index - page,
    Home: 0,
    End: last,
    ArrowRight: expanded === false ? 'toggle' : next,
    ArrowLeft: expanded === true ? 'toggle' : parent,
    Enter: 'toggle',
    ' ': 'toggle'
  }
  return targets[key]
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
