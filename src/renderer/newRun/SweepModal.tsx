import { Button, Checkbox, Group, NumberInput, Stack, Text, TextInput } from '@mantine/core'
import { useState } from 'react'
import { useLocation } from 'wouter'
import { durationText } from '../../shared/durationText'
import { modelName } from '../../shared/modelName'
import type { Plan } from '../../shared/plan'
import type { Recipe } from '../../shared/recipe'
import { MAX_SEEDS, setsOfRecipe } from '../../shared/sweep'
import { useAction } from '../api/hooks'
import { useProject } from '../api/useProject'
import { ErrorCard } from '../components/ErrorCard'
import { FormModal } from '../components/FormModal'
import { useFocusBack } from '../components/useFocusBack'
import { plural } from '../format/numbers'
import { Term } from '../glossary/Term'
import { sweepAddress } from '../sweeps/sweepAddress'

interface Props {
  readonly recipe: Recipe
  readonly plan: Plan | undefined
  readonly out: string | null
  readonly onClose: () => void
}

const USUAL_SEEDS = 3

/** What a sweep of the form's recipe is: how many choices of rows, and whether each calibration file stands for itself. */
export function SweepModal({ recipe, plan, out, onClose }: Props) {
  useFocusBack()
  const [project] = useProject()
  const [, navigate] = useLocation()
  const [name, setName] = useState(recipe.name ?? modelName(recipe.model))
  const [seeds, setSeeds] = useState<number | string>(USUAL_SEEDS)
  const several = (recipe.calibration.files?.length ?? 0) > 1
  const [each, setEach] = useState(several)
  const start = useAction('sweeps.start', ({ id }) => navigate(sweepAddress(id)))
  const usable = name.trim() !== '' && typeof seeds === 'number'
  const runs = usable ? seeds * setsOfRecipe(recipe, each).sets.length : 0
  return (
    <FormModal opened onClose={onClose} title="Start a sweep">
      <form
        onSubmit={(event) => {
          event.preventDefault()
          if (usable) start.mutate({ recipe, name, seeds, each, project, ...(out !== null && { out }) })
        }}
      >
        <Stack>
          <Text size="sm">
            Several runs of this recipe and one page on all: figures against rank, and of each calibration set on every
            evaluation text. Methods and ranks are the form's variants; one run serves them all.
          </Text>
          <TextInput
            label="Name"
            data-autofocus
            maxLength={120}
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
          />
          <NumberInput
            label={<Term name="draw">Seeds</Term>}
            description="Each takes other rows of the calibration text; error bars need two or more."
            min={1}
            max={MAX_SEEDS}
            allowDecimal={false}
            clampBehavior="strict"
            value={seeds}
            onChange={setSeeds}
          />
          {several && (
            <Checkbox
              label="Each calibration file is a set of its own"
              checked={each}
              onChange={(event) => setEach(event.currentTarget.checked)}
            />
          )}
          <Text size="sm" role="status">
            {usable && `${plural(runs, 'run')}, one after the other${timeOf(plan, runs, each && several)}.`}
          </Text>
          {start.error && <ErrorCard title="The sweep could not be started" error={start.error} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button type="submit" disabled={!usable} loading={start.isPending}>
              Start sweep
            </Button>
          </Group>
        </Stack>
      </form>
    </FormModal>
  )
}

/** The form's estimate is of one run on all its texts: one on some of them takes no longer. */
const timeOf = (plan: Plan | undefined, runs: number, less: boolean): string =>
  plan === undefined ? '' : `, ${less ? 'at most' : 'about'} ${durationText(1000 * plan.seconds * runs)} in all`
