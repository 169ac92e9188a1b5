import { Group, ScrollArea, SegmentedControl, Select, Text } from '@mantine/core'
import type { ProofVariant } from '../../shared/contract/proof'

interface Props {
  readonly variants: readonly ProofVariant[]
  readonly value: string
  readonly onChange: (variant: string) => void
}

/** More do not fit beside each other. */
const SEGMENTS = 7

/** Which variant the page shows. */
export function VariantChoice({ variants, value, onChange }: Props) {
  if (variants.length < 2) return null
  const names = variants.map(({ name }) => name)
  return (
    <Group gap="sm" wrap="nowrap">
      <Text size="sm" c="dimmed" id="variant-label">
        Variant
      </Text>
      {names.length <= SEGMENTS ? (
        <ScrollArea type="auto" scrollbarSize={6}>
          <SegmentedControl aria-labelledby="variant-label" data={names} value={value} onChange={onChange} size="sm" />
        </ScrollArea>
      ) : (
        <Select
          aria-labelledby="variant-label"
          data={names}
          value={value}
          onChange={(name) => name !== null && onChange(name)}
          searchable
          w={320}
        />
      )}
    </Group>
  )
}
