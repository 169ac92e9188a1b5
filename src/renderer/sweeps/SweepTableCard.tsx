import { Card, Table, Text, Title } from '@mantine/core'
import type { SweepTable } from '../../shared/sweep/tables'
import { Sentence } from '../components/Sentence'
import { scrolledByKeys } from './scrolledByKeys'

/** Names may take several lines, figures are read as one. */
const cellLook = (isName: boolean) =>
  isName ? { ta: 'left' as const } : { ta: 'right' as const, style: { whiteSpace: 'nowrap' } as const }

/** One table of a sweep, as the command line prints it. */
export function SweepTableCard({ table: { title, columns, names, rows, note } }: { readonly table: SweepTable }) {
  return (
    <Card withBorder component="section" aria-label={title}>
      <Title order={2} size="h5" mb="xs" style={{ overflowWrap: 'anywhere' }}>
        {title}
      </Title>
      <Table.ScrollContainer minWidth={110 * columns.length} scrollAreaProps={scrolledByKeys(title)}>
        <Table className="num" fz="xs" horizontalSpacing={8} verticalSpacing={6} aria-label={title}>
          <Table.Thead>
            <Table.Tr>
              {columns.map((column, i) => (
                <Table.Th key={column} {...cellLook(i < names)}>
                  {column}
                </Table.Th>
              ))}
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {rows.map((cells) => (
              <Table.Tr key={cells.join()}>
                {columns.map((column, i) => (
                  <Table.Td key={column} {...cellLook(i < names)}>
                    {i < names ? <Sentence>{cells[i] ?? ''}</Sentence> : cells[i]}
                  </Table.Td>
                ))}
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
      {note !== undefined && (
        <Text size="xs" c="dimmed" mt={6}>
          {note}
        </Text>
      )}
    </Card>
  )
}
