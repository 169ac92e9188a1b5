import { Box, Group, MultiSelect, SegmentedControl, Stack, Text, TextInput } from '@mantine/core'
import { useState } from 'react'
import type { Plan } from '../../shared/plan'
import type { Targets, Variant } from '../../shared/recipe'
import { patternProblem } from '../../shared/targetPattern'
import { plural } from '../format/numbers'
import { Term } from '../glossary/Term'
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
  const chosen = Array.isArray(targets) ? targets : []
  const unknown = chosen.filter((target) => names.length > 0 && !names.some(({ name }) => name === target))
  const value = mixed ? 'mixed' : kindOf(targets)
  return (
    <Box className={classes.row} role="group" aria-label="Targets">
      <Text size="sm" fw={600} pt={6}>
        <Term name="targets">Targets</Term>
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
              if (choice === 'pattern') setTargets({ regex: patternFor(chosen) })
            }}
            data={[
              { value: 'all', label: 'All linears' },
              ...(names.length + chosen.length > 0 ? [{ value: 'some', label: 'Some' }] : []),
              { value: 'pattern', label: 'Pattern' },
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
        {value === 'pattern' && !Array.isArray(targets) && targets !== 'all-linear' && (
          <PatternInput key={targets.regex} regex={targets.regex} onChange={(regex) => setTargets({ regex })} />
        )}
      </Stack>
    </Box>
  )
}

const kindOf = (targets: Targets): 'all' | 'some' | 'pattern' =>
  targets === 'all-linear' ? 'all' : Array.isArray(targets) ? 'some' : 'pattern'

/** The expression that means the names chosen before. */
const patternFor = (names: readonly string[]): string =>
  names.length === 0 ? '.*' : `.*\\.(${names.map((name) => name.replaceAll('.', '\\.')).join('|')})`

/** An expression counts once it is whole and right: when the field is left, or on Enter. */
function PatternInput({ regex, onChange }: { readonly regex: string; readonly onChange: (regex: string) => void }) {
  const [text, setText] = useState(regex)
  const problem = text === '' ? 'is empty' : patternProblem(text)
  const commit = (): void => {
    if (problem === undefined && text !== regex) onChange(text)
  }
  return (
    <TextInput
      aria-label="Regular expression for whole paths of linears"
      description="Matched against whole paths such as model.layers.0.self_attn.q_proj, as PEFT does"
      value={text}
      onChange={(event) => setText(event.currentTarget.value)}
      onBlur={commit}
      onKeyDown={(event) => event.key === 'Enter' && commit()}
      error={problem && `The expression ${problem}`}
      spellCheck={false}
    />
  )
}
