import { Box, Checkbox, Group, Text, Tooltip } from '@mantine/core'
import type { ReactNode } from 'react'
import type { Variant } from '../../shared/recipe'
import { type Axis, type Chip, chipKey, hasChip, toggleChip } from '../../shared/variantAxes'
import type { TermName } from '../glossary/glossary'
import { Term } from '../glossary/Term'
import classes from './ChipRow.module.css'
import { chipHelp, chipLabel, chipsFor, formatExtra } from './chips'

interface Props {
  readonly title: string
  readonly term: TermName
  readonly axis: Axis
  readonly variants: readonly Variant[]
  readonly secondsOf: (chip: Chip) => number | undefined
  readonly onChange: (variants: Variant[]) => void
  /** Adds a value that is not offered. */
  readonly more?: ReactNode
}

/** The values of one axis, each with what it adds to the time of the run. */
export function ChipRow({ title, term, axis, variants, secondsOf, onChange, more }: Props) {
  return (
    <Box role="group" aria-label={title} className={classes.row}>
      <Text size="sm" fw={600} pt={6}>
        <Term name={term}>{title}</Term>
      </Text>
      <Group gap={6}>
        {chipsFor(variants, axis).map((chip) => (
          <ChipBox key={chipKey(chip)} chip={chip} variants={variants} seconds={secondsOf(chip)} onChange={onChange} />
        ))}
        {more}
      </Group>
    </Box>
  )
}

interface ChipProps {
  readonly chip: Chip
  readonly variants: readonly Variant[]
  readonly seconds: number | undefined
  readonly onChange: (variants: Variant[]) => void
}

function ChipBox({ chip, variants, seconds, onChange }: ChipProps) {
  const checked = variants.some((variant) => hasChip(variant, chip))
  const last = checked && variants.every((variant) => hasChip(variant, chip))
  const label = chipLabel(chip)
  const toggle = (): void => {
    const next = toggleChip(variants, chip)
    if (next.length > 0) onChange(next)
  }
  const help = last ? `${chipHelp(chip)}. One has to stay: choose another first.` : chipHelp(chip)
  return (
    <Tooltip label={help} multiline maw={320} openDelay={400}>
      <Checkbox.Card
        checked={checked}
        onClick={toggle}
        className={classes.chip}
        aria-label={seconds === undefined ? label : `${label}, ${spoken(seconds)}`}
        aria-disabled={last || undefined}
      >
        <Checkbox.Indicator size="xs" />
        <Text size="sm" span>
          {label}
        </Text>
        {!last && (
          // Has its place before it is known, so that no row moves when it is.
          <Text size="xs" c="dimmed" span className={`num ${classes.extra}`}>
            {seconds === undefined ? '' : checked ? formatExtra(seconds) : `+${formatExtra(seconds)}`}
          </Text>
        )}
      </Checkbox.Card>
    </Tooltip>
  )
}

const spoken = (seconds: number): string => `${seconds < 0 ? 'takes' : 'adds'} ${formatExtra(seconds)}`
