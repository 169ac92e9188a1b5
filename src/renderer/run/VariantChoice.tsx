import { Group, ScrollArea, SegmentedControl, Select, Text } from '@mantine/core'
import { textWidth } from '../../shared/chartText'
import type { ProofVariant } from '../../shared/contract/proof'
import { variantLabels } from '../../shared/variantLabels'
import { widest } from '../components/textSize'

interface Props {
  readonly variants: readonly ProofVariant[]
  readonly value: string
  readonly onChange: (variant: string) => void
}

/** More than these do not fit beside each other. */
const SEGMENTS = 7
const SEGMENTS_WIDTH = 640

/** Which variant the page shows. */
export function VariantChoice({ variants, value, onChange }: Props) {
  if (variants.length < 2) return null
  const labels = variantLabels(variants)
  const width = labels.reduce((sum, label) => sum + textWidth(label, 14) + 22, 0)
  const data = variants.map(({ name }, i) => ({ value: name, label: labels[i] as string }))
  return (
    <Group gap="sm" wrap="nowrap">
      <Text size="sm" c="dimmed" id="variant-label">
        Variant
      </Text>
      {data.length <= SEGMENTS && width <= SEGMENTS_WIDTH ? (
        <ScrollArea type="auto" scrollbarSize={6}>
          <SegmentedControl aria-labelledby="variant-label" data={data} value={value} onChange={onChange} size="sm" />
        </ScrollArea>
      ) : (
        <Select
          aria-labelledby="variant-label"
          data={data}
          value={value}
          onChange={(name) => name !== null && onChange(name)}
          searchable
          w={Math.max(320, widest(labels, 400, 14) + 64)}
          maw="calc(100% - 70px)"
        />
      )}
    </Group>
  )
}
