import { Alert, ScrollArea, Table } from '@mantine/core'
import { IconAlertTriangle } from '@tabler/icons-react'
import type { BadRow } from '../../shared/samples'
import { formatCount, plural } from '../format/numbers'

/** Rows that give no sample, by their number in the file. */
export function BadRows({ rows, total = rows.length }: { readonly rows: readonly BadRow[]; readonly total?: number }) {
  if (total === 0) return null
  const more = total - rows.length
  return (
    <Alert
      color="orange"
      variant="light"
      icon={<IconAlertTriangle aria-hidden />}
      title={`${plural(total, 'row')} left out`}
    >
      <ScrollArea.Autosize mah={180} tabIndex={0} aria-label="Rows left out">
        <Table verticalSpacing={2}>
          <Table.Tbody>
            {rows.map(({ row, reason }) => (
              <Table.Tr key={row}>
                <Table.Td w={90} className="num">
                  row {formatCount(row)}
                </Table.Td>
                <Table.Td>{reason}</Table.Td>
              </Table.Tr>
            ))}
            {more > 0 && (
              <Table.Tr>
                <Table.Td />
                <Table.Td>and {formatCount(more)} more</Table.Td>
              </Table.Tr>
            )}
          </Table.Tbody>
        </Table>
      </ScrollArea.Autosize>
    </Alert>
  )
}
