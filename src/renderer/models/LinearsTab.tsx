import { Stack, Table, Text, Title } from '@mantine/core'
import { type InspectedModel, ROLE_REASONS } from '../../shared/inspection'
import { formatCount, formatParameters, formatPercent } from '../format/numbers'
import { groupLinears } from './linearGroups'
import { RoleBadge } from './RoleBadge'

/** Which matrices will be quantized and repaired, and why the rest is not. */
export function LinearsTab({ model }: { readonly model: InspectedModel }) {
  const all = model.roles.reduce((sum, { parameters }) => sum + parameters, 0)
  return (
    <Stack gap="lg">
      <Stack gap="xs">
        <Title order={2} size="h5">
          Linears that will be quantized
        </Title>
        <Table.ScrollContainer minWidth={560}>
          <Table highlightOnHover>
            <Table.Thead>
              <Table.Tr>
                <Table.Th>Linear</Table.Th>
                <Table.Th ta="right">Blocks</Table.Th>
                <Table.Th ta="right">Out × in</Table.Th>
                <Table.Th ta="right">Parameters</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody className="num">
              {groupLinears(model.linears).map(({ pattern, count, shape, parameters }) => (
                <Table.Tr key={`${pattern} ${shape}`}>
                  <Table.Td>{pattern}</Table.Td>
                  <Table.Td ta="right">{formatCount(count)}</Table.Td>
                  <Table.Td ta="right">{shape.map(formatCount).join(' × ')}</Table.Td>
                  <Table.Td ta="right">{formatParameters(parameters)}</Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      </Stack>
      <Stack gap="xs">
        <Title order={2} size="h5">
          All parts, and why
        </Title>
        <Table.ScrollContainer minWidth={560}>
          <Table>
            <Table.Thead>
              <Table.Tr>
                <Table.Th>Part</Table.Th>
                <Table.Th ta="right">Tensors</Table.Th>
                <Table.Th ta="right">Parameters</Table.Th>
                <Table.Th ta="right">Share</Table.Th>
                <Table.Th>Why</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody className="num">
              {model.roles.map(({ role, tensors, parameters }) => (
                <Table.Tr key={role}>
                  <Table.Td>
                    <RoleBadge role={role} />
                  </Table.Td>
                  <Table.Td ta="right">{formatCount(tensors)}</Table.Td>
                  <Table.Td ta="right">{formatParameters(parameters)}</Table.Td>
                  <Table.Td ta="right" style={{ whiteSpace: 'nowrap' }}>
                    {formatPercent(parameters / all)}
                  </Table.Td>
                  <Table.Td>
                    <Text size="sm">{ROLE_REASONS[role]}</Text>
                  </Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      </Stack>
    </Stack>
  )
}
