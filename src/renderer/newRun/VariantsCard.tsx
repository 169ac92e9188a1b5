import { Button, Collapse, Stack, Switch } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { IconChevronDown, IconChevronRight } from '@tabler/icons-react'
import type { Plan } from '../../shared/plan'
import type { Recipe, Variant } from '../../shared/recipe'
import { type Chip, hasChip, toggleChip } from '../../shared/variantAxes'
import { plural } from '../format/numbers'
import { Term } from '../glossary/Term'
import { AddQuantizer, AddRank, AddRefinement, AddScaling } from './AddValue'
import { ChipRow } from './ChipRow'
import { FormCard } from './FormCard'
import { TargetsField } from './TargetsField'
import { VariantsTable } from './VariantsTable'

/** The recipe with or without the question; the key is missing where nobody asks. */
function withNeverWorse({ neverWorse: _, ...recipe }: Recipe, asked: boolean): Recipe {
  return asked ? { ...recipe, neverWorse: true } : recipe
}

interface Props {
  readonly recipe: Recipe
  readonly plan: Plan | undefined
  readonly chipSeconds: (chip: Chip) => number | undefined
  readonly change: (change: (recipe: Recipe) => Recipe) => void
}

/** What is computed side by side: methods × ranks × scalings × quantizers × ranks of layers × refinements, each with what it adds to the time. */
export function VariantsCard({ recipe, plan, chipSeconds, change }: Props) {
  const [listed, { toggle }] = useDisclosure(false)
  const { variants } = recipe
  const setVariants = (next: Variant[]): void => change((now) => ({ ...now, variants: next }))
  const add = (chip: Chip): void => {
    if (!variants.some((variant) => hasChip(variant, chip))) setVariants(toggleChip(variants, chip))
  }
  const row = { variants, secondsOf: chipSeconds, onChange: setVariants }
  return (
    <FormCard title="Variants" term="variant" summary={plural(variants.length, 'variant')}>
      <Stack gap="sm">
        <ChipRow title="Method" term="method" axis="method" {...row} />
        <ChipRow title="Rank" term="rank" axis="rank" {...row} more={<AddRank onAdd={add} />} />
        <ChipRow title="Scaling" term="scaling" axis="scaling" {...row} more={<AddScaling onAdd={add} />} />
        <ChipRow title="Quantizer" term="quantizer" axis="quantizer" {...row} more={<AddQuantizer onAdd={add} />} />
        <ChipRow title="Ranks of layers" term="rankBudget" axis="ranks" {...row} />
        <ChipRow
          title="Whole model"
          term="refinement"
          axis="refinement"
          {...row}
          more={<AddRefinement onAdd={add} />}
        />
        <Switch
          size="sm"
          label={<Term name="neverWorse">Never worse than no adapter</Term>}
          description="Held-out calibration rows are asked what of each adapter helps; the rest is left out"
          checked={recipe.neverWorse === true}
          onChange={({ currentTarget: { checked } }) => change((now) => withNeverWorse(now, checked))}
        />
        <TargetsField variants={variants} names={plan?.targetNames ?? []} onChange={setVariants} />
      </Stack>
      <Stack gap="xs" align="flex-start">
        <Button
          variant="subtle"
          size="compact-sm"
          onClick={toggle}
          aria-expanded={listed}
          leftSection={listed ? <IconChevronDown size={14} aria-hidden /> : <IconChevronRight size={14} aria-hidden />}
        >
          {listed ? 'Hide the list' : `List ${plural(variants.length, 'variant')}`}
        </Button>
        <Collapse expanded={listed} w="100%">
          <VariantsTable variants={variants} planned={plan?.variants ?? []} onChange={setVariants} />
        </Collapse>
      </Stack>
    </FormCard>
  )
}
