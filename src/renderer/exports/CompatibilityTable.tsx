import { Group, Table, Text, ThemeIcon } from '@mantine/core'
import { IconAlertTriangle, IconCheck, IconX } from '@tabler/icons-react'
import type { CompatibilityEntry, Verdict } from '../../shared/exports'
import { Sentence } from '../components/Sentence'
import { capitalized } from '../format/letters'

const SIGNS: Readonly<
  Record<Verdict, { readonly label: string; readonly color: string; readonly icon: typeof IconCheck }>
> = {
  ok: { label: 'Works', color: 'blue', icon: IconCheck },
  caution: { label: 'With care', color: 'orange', icon: IconAlertTriangle },
  no: { label: 'Does not work', color: 'red', icon: IconX }
}

/** One line for each consumer: does it take the adapter, and what to do about it. */
export function CompatibilityTable({ entries }: { readonly entries: readonly CompatibilityEntry[] }) {
  return (
    <Table verticalSpacing="xs" layout="fixed" aria-label="Compatibility">
      <Table.Thead>
        <Table.Tr>
          <Table.Th w="24%">Consumer</Table.Th>
          <Table.Th w="32%">What to expect</Table.Th>
          {/* Wide enough for the names of options in a narrow window. */}
          <Table.Th>What to do</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {entries.map(({ consumer, verdict, says, fix }) => (
          <Table.Tr key={consumer} style={{ verticalAlign: 'top' }}>
            <Table.Td>
              <Group gap="xs" wrap="nowrap" align="flex-start">
                <Sign verdict={verdict} />
                <Text size="sm" fw={500}>
                  {consumer}
                </Text>
              </Group>
            </Table.Td>
            <Table.Td>
              <Text size="sm">
                <Sentence>{sentence(says)}</Sentence>
              </Text>
            </Table.Td>
            <Table.Td>
              <Text size="sm" c={fix === null ? 'dimmed' : undefined} style={{ overflowWrap: 'anywhere' }}>
                {fix ?? 'Nothing.'}
              </Text>
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  )
}

function Sign({ verdict }: { readonly verdict: Verdict }) {
  const { label, color, icon: Icon } = SIGNS[verdict]
  return (
    <ThemeIcon size={20} radius="xl" variant="light" color={color} role="img" aria-label={label} title={label}>
      <Icon size={13} aria-hidden />
    </ThemeIcon>
  )
}

/** The report's clauses follow a name on the command line; here each stands alone. */
const sentence = (clause: string): string => `${capitalized(clause)}.`
