import { ActionIcon, Table, Text, VisuallyHidden } from '@mantine/core'
import { IconX } from '@tabler/icons-react'
import type { PlannedVariant } from '../../shared/plan'
import { type Variant, variantNames } from '../../shared/recipe'
import { formatNumber, formatParameters } from '../format/numbers'
import { formatExtra } from './chips'

interface Props {
  readonly variants: readonly Variant[]
  readonly planned: readonly PlannedVariant[]
  readonly onChange: (variants: Variant[]) => void
}

/** Every variant with what the plan knows of it; single ones can be left out of the grid. */
export function VariantsTable({ variants, planned, onChange }: Props) {
  const names = variantNames(variants)
  return (
    <Table.ScrollContainer minWidth={460} mah={320}>
      <Table verticalSpacing={4} striped stickyHeader className="num">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Variant</Table.Th>
            <Table.Th ta="right">Scaling</Table.Th>
            <Table.Th ta="right">Linears</Table.Th>
            <Table.Th ta="right">Parameters</Table.Th>
            <Table.Th ta="right">Adds</Table.Th>
            <Table.Th w={36}>
              <VisuallyHidden>Leave out</VisuallyHidden>
            </Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {names.map((name, i) => {
            const plan = planned.find((one) => one.name === name)
            return (
              <Table.Tr key={name}>
                <Table.Td>
                  <Text size="sm" style={{ overflowWrap: 'anywhere' }}>
                    {name}
                  </Text>
                </Table.Td>
                <Table.Td ta="right">{plan && formatNumber(plan.scaling)}</Table.Td>
                <Table.Td ta="right">{plan?.linears}</Table.Td>
                <Table.Td ta="right">{plan && formatParameters(plan.parameters)}</Table.Td>
                <Table.Td ta="right">{plan && formatExtra(plan.extraSeconds)}</Table.Td>
                <Table.Td>
                  <ActionIcon
                    variant="subtle"
                    color="gray"
                    size="sm"
                    aria-label={`Leave out ${name}`}
                    disabled={variants.length === 1}
                    onClick={() => onChange(variants.filter((_, index) => index !== i))}
                  >
                    <IconX size={14} aria-hidden />
                  </ActionIcon>
                </Table.Td>
              </Table.Tr>
            )
          })}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  )
}
