import { Box, Group, MultiSelect, SegmentedControl, Stack, Text } from '@mantine/core'
import type { Plan } from '../../shared/plan'
import type { Targets, Variant } from '../../shared/recipe'
import { plural } from '../format/numbers'
import classes from './ChipRow.module.css'

interface Props {
  readonly variants: readonly Variant[]
  readonly names: Plan['targetNames']
  readonly onChange: (variants: Variant[]) => void
}

/** Which linears get an adapter; one choice for all variants, unless a recipe came with several. */
export function TargetsField({ variants, names, onChange }: Props) {
  const kinds = new Set(variants.map(({ targets }) => JSON.stringify(targets)))
  const targets: Targets = variants[0]?.targets ?? 'all-linear'
  const mixed = kinds.size > 1
  const setTargets = (next: Targets): void => onChange(variants.map((variant) => ({ ...variant, targets: next })))
  const chosen = targets === 'all-linear' ? [] : targets
  const unknown = chosen.filter((target) => names.length > 0 && !names.some(({ name }) => name === target))
  const value = mixed ? 'mixed' : targets === 'all-linear' ? 'all' : 'some'
  return (
    <Box className={classes.row} role="group" aria-label="Targets">
      <Text size="sm" fw={500} pt={6}>
        Targets
      </Text>
      <Stack gap="xs">
        <Group gap="xs">
          <SegmentedControl
            aria-label="Targets"
            size="xs"
            value={value}
            onChange={(choice) => {
              if (choice === 'all') setTargets('all-linear')
              if (choice === 'some') setTargets(chosen.length > 0 ? chosen : names.slice(0, 1).map(({ name }) => name))
            }}
            data={[
              { value: 'all', label: 'All linears' },
              { value: 'some', label: 'Some', disabled: names.length === 0 && chosen.length === 0 },
              ...(mixed ? [{ value: 'mixed', label: 'Different ones', disabled: true }] : [])
            ]}
          />
          {mixed && (
            <Text size="xs" c="dimmed">
              Variants have targets of their own; a choice here replaces them.
            </Text>
          )}
        </Group>
        {value === 'some' && (
          <MultiSelect
            aria-label="Names of target linears"
            value={chosen}
            onChange={(next) => next.length > 0 && setTargets(next)}
            data={[
              ...names.map(({ name, linears }) => ({ value: name, label: `${name} (${plural(linears, 'linear')})` })),
              ...unknown.map((name) => ({ value: name, label: name }))
            ]}
            error={unknown.length > 0 && `This model has no ${unknown.join(', ')}`}
            searchable
            hidePickedOptions
          />
        )}
      </Stack>
    </Box>
  )
}
