import { Group, Table, Text } from '@mantine/core'
import type { RunProof } from '../../shared/contract/proof'
import { CopyButton } from '../components/CopyButton'
import { PathText } from '../components/PathText'
import { formatBytes } from '../format/numbers'
import { FoldedSection } from './FoldedSection'

/** The adapters that the run wrote. */
export function FilesSection({ run }: { readonly run: RunProof }) {
  return (
    <FoldedSection name="Files" hint="adapters, where they lie, with their digests">
      <Table verticalSpacing="xs" className="num" aria-label="Adapters">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Variant</Table.Th>
            <Table.Th>Folder</Table.Th>
            <Table.Th ta="right">Weights</Table.Th>
            <Table.Th>SHA-256</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {run.variants.map(({ name, adapter, bytes, sha256 }) => (
            <Table.Tr key={name}>
              <Table.Td>{name}</Table.Td>
              <Table.Td>
                {adapter === null ? (
                  <Text size="sm" c="dimmed">
                    not written yet
                  </Text>
                ) : (
                  <PathText path={adapter} />
                )}
              </Table.Td>
              <Table.Td ta="right">{bytes === null ? '–' : formatBytes(bytes)}</Table.Td>
              <Table.Td>
                {sha256 === null ? (
                  '–'
                ) : (
                  <Group gap={4} wrap="nowrap">
                    <Text size="sm" ff="monospace">
                      {sha256.slice(0, 12)}…
                    </Text>
                    <CopyButton compact value={sha256} label={`Copy SHA-256 of ${name}`} />
                  </Group>
                )}
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </FoldedSection>
  )
}
