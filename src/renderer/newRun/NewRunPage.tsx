import { Anchor, Box, Stack, Text } from '@mantine/core'
import { useMemo } from 'react'
import type { StartChoices } from '../../shared/contract/recipes'
import { useCall } from '../api/hooks'
import { ErrorCard } from '../components/ErrorCard'
import { PageFrame } from '../components/PageFrame'
import { QueryView } from '../components/QueryView'
import { shownChips } from './chips'
import { DataCard } from './DataCard'
import { DeviceCard } from './DeviceCard'
import { checkDraft, type Draft } from './draft'
import { ModelCard } from './ModelCard'
import classes from './NewRunPage.module.css'
import { RecipeMenu } from './RecipeMenu'
import { StartPanel } from './StartPanel'
import { type DraftState, useDraft } from './useDraft'
import { useFindings } from './useFindings'
import { useMissingSets } from './useMissingSets'
import { usePreflight } from './usePreflight'
import { VariantsCard } from './VariantsCard'

/** One form that is a recipe; beside it what the run takes and what speaks against it, while it is filled in. */
export function NewRunPage() {
  const state = useDraft()
  const choices = useCall('recipes.choices', {})
  const { draft, error } = state
  if (error !== undefined) {
    return (
      <PageFrame title="New run">
        <ErrorCard title="No recipe to begin with" error={error} />
      </PageFrame>
    )
  }
  if (draft === undefined) return <PageFrame title="New run">{null}</PageFrame>
  return (
    <QueryView query={choices} page="New run" failure="Models and sets could not be read">
      {(found) => <Form state={state} draft={draft} choices={found} />}
    </QueryView>
  )
}

interface FormProps {
  readonly state: DraftState
  readonly draft: Draft
  readonly choices: StartChoices
}

function Form({ state, draft, choices }: FormProps) {
  const { recipe: shown, out } = draft
  const { recipe, errors } = useMemo(() => checkDraft(draft), [draft])
  const chips = useMemo(() => shownChips(shown), [shown])
  const live = usePreflight(recipe, out, chips)
  useMissingSets(shown, choices, live.refresh)
  const findings = useFindings(state, errors, live)
  const { plan } = live
  const { change } = state
  return (
    <PageFrame
      title="New run"
      subtitle={<Origin state={state} draft={draft} />}
      actions={<RecipeMenu recipe={recipe} begin={state.begin} />}
    >
      <Box className={classes.columns}>
        <Stack gap="md" style={{ minWidth: 0 }}>
          <ModelCard
            model={shown.model}
            base={shown.base}
            plan={plan}
            error={errors.model}
            onChange={(model) => change((now) => ({ ...now, model }))}
            onBase={(base) => change(({ base: _, ...now }) => (base === undefined ? now : { ...now, base }))}
          />
          <DataCard recipe={shown} choices={choices} plan={plan} errors={errors} change={change} />
          <VariantsCard recipe={shown} plan={plan} chipSeconds={live.chipSeconds} change={change} />
          <DeviceCard recipe={shown} errors={errors} change={change} />
        </Stack>
        <Box component="aside" aria-label="Estimate and preflight" className={classes.aside}>
          <StartPanel
            recipe={recipe}
            out={out}
            outputs={choices.outputs}
            live={live}
            findings={findings}
            onOut={state.setOut}
          />
        </Box>
      </Box>
    </PageFrame>
  )
}

function Origin({ state: { goBack }, draft }: Omit<FormProps, 'choices'>) {
  return (
    <>
      {draft.origin}.{' '}
      {goBack && (
        <Anchor component="button" type="button" inherit underline="always" onClick={goBack}>
          Back to the earlier draft
        </Anchor>
      )}
      {!goBack && (
        <Text span inherit>
          Everything in this form is one recipe.
        </Text>
      )}
    </>
  )
}
