import { Box, SimpleGrid, Stack, Text } from '@mantine/core'
import type { StartChoices } from '../../shared/contract/recipes'
import { coverageSentence } from '../../shared/coverage'
import type { Plan } from '../../shared/plan'
import { type Recipe, type TextSource, USUAL_ROWS } from '../../shared/recipe'
import { capitalized } from '../format/letters'
import { formatCount, plural } from '../format/numbers'
import { FormCard } from './FormCard'
import { HoldOutButton } from './HoldOutButton'
import { TextSourceField } from './TextSourceField'

interface Props {
  readonly recipe: Recipe
  readonly choices: Pick<StartChoices, 'sets' | 'texts'>
  readonly plan: Plan | undefined
  readonly errors: Readonly<Record<string, string>>
  readonly change: (change: (recipe: Recipe) => Recipe) => void
}

/** The texts that the adapter is calibrated on, and those that perplexity is measured on. */
export function DataCard({ recipe, choices, plan, errors, change }: Props) {
  // Of a set that was deleted nothing can be held out.
  const stored = choices.sets.find(({ name }) => name === recipe.calibration.set)?.name
  return (
    <FormCard title="Data" summary={plan && tokensOf(plan)}>
      <SimpleGrid cols={{ base: 1, xl: 2 }} spacing="lg">
        <TextSourceField
          title="Calibration"
          term="calibration set"
          help="Text of your domain: the adapter repairs what it needs."
          source={recipe.calibration}
          choices={choices}
          errors={errorsBelow(errors, 'calibration')}
          onChange={(calibration, policy) =>
            change((now) => (policy ? { ...now, calibration, policy } : withPolicy({ ...now, calibration }, choices)))
          }
          missing="Choose a text"
          mayAsk
        />
        <Box>
          <TextSourceField
            title="Evaluation"
            term="evaluation"
            help="Held-out text: perplexity shows what was repaired."
            source={recipe.evaluation ?? NOTHING}
            choices={choices}
            errors={recipe.evaluation === undefined ? {} : errorsBelow(errors, 'evaluation')}
            onChange={(source) => change((now) => withEvaluation(now, source))}
            offer={stored !== undefined && <HoldOutButton set={stored} change={change} />}
          />
        </Box>
      </SimpleGrid>
      {plan !== undefined && plan.coverage.length > 0 && (
        <Stack gap={2}>
          {plan.coverage.map((one) => (
            <Text key={one.text} size="xs" c="dimmed" style={{ overflowWrap: 'anywhere' }}>
              {capitalized(coverageSentence(one))}.
            </Text>
          ))}
        </Stack>
      )}
    </FormCard>
  )
}

function tokensOf({ calibration, evaluation }: Plan): string {
  const calibrated = `${plural(calibration.tokens, 'token')} to calibrate`
  return evaluation.tokens === 0 ? calibrated : `${calibrated}, ${formatCount(evaluation.tokens)} to evaluate`
}

const NOTHING: TextSource = { files: [], rows: USUAL_ROWS }

/** Without any text the key goes: a run without evaluation is fine. */
function withEvaluation({ evaluation: _, ...recipe }: Recipe, source: TextSource): Recipe {
  const empty = source.set === undefined && (source.files ?? []).length === 0
  return empty ? recipe : { ...recipe, evaluation: source }
}

/** A stored set knows how its texts are meant to become rows. */
function withPolicy(recipe: Recipe, { sets }: Pick<StartChoices, 'sets'>): Recipe {
  const set = sets.find(({ name }) => name === recipe.calibration.set)
  return set === undefined ? recipe : { ...recipe, policy: set.policy }
}

/** The errors of one part, by the rest of their path. */
const errorsBelow = (errors: Readonly<Record<string, string>>, key: string): Record<string, string> =>
  Object.fromEntries(
    Object.entries(errors)
      .filter(([path]) => path === key || path.startsWith(`${key}.`))
      .map(([path, message]) => [path.slice(key.length + 1), message])
  )
