import { Box, Text, UnstyledButton, VisuallyHidden } from '@mantine/core'
import { IconArrowDown, IconArrowUp } from '@tabler/icons-react'
import { explained, Meaning } from '../glossary/Term'
import type { Column } from './column'
import classes from './DataTable.module.css'
import type { Sort } from './sortRows'

interface Props<T> {
  readonly column: Column<T>
  readonly sort: Sort | undefined
  readonly onSort: (sort: Sort) => void
}

/** The title of a column, which sorts by it and says what it means. */
export function Heading<T>({ column, sort, onSort }: Props<T>) {
  const active = sort?.key === column.key
  const direction = active ? (sort.descending ? 'descending' : 'ascending') : 'none'
  const { title, label, term } = column
  const words = (
    <Text span size="xs" fw={600} c="dimmed" lh={1.2} className={classes.title}>
      {term === undefined ? title : <span className={explained}>{title}</span>}
      {label !== undefined && <VisuallyHidden>{label}</VisuallyHidden>}
    </Text>
  )
  const heading =
    column.sortBy === undefined ? (
      words
    ) : (
      <UnstyledButton
        className={classes.sort}
        onClick={() => onSort({ key: column.key, descending: active ? !sort.descending : column.align === 'right' })}
      >
        {words}
        {active && (sort.descending ? <IconArrowDown size={12} aria-hidden /> : <IconArrowUp size={12} aria-hidden />)}
      </UnstyledButton>
    )
  return (
    <Box
      role="columnheader"
      aria-sort={column.sortBy === undefined ? undefined : direction}
      className={classes.cell}
      data-align={column.align}
    >
      {term === undefined ? heading : <Meaning name={term}>{heading}</Meaning>}
    </Box>
  )
}
