import { Button, Collapse, Group, SegmentedControl, SimpleGrid, Stack, Text, TextInput } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { IconChevronDown, IconChevronRight } from '@tabler/icons-react'
import { DEVICE_LABELS, DEVICES } from '../../shared/devices'
import { METHOD_OPTIONS, type MethodOptionName, optionText, readsOption } from '../../shared/methods'
import type {
  CalibrateOn,
  DeviceName,
  FactorDtype,
  FirstToken,
  LossOn,
  OnDeviceFailure,
  Policy,
  Recipe
} from '../../shared/recipe'
import { ChoiceField } from '../components/ChoiceField'
import { capitalized } from '../format/letters'
import { formatBytes } from '../format/numbers'
import { isTerm } from '../glossary/glossary'
import { Term } from '../glossary/Term'
import { FormCard } from './FormCard'
import { NumberField } from './NumberField'

interface Props {
  readonly recipe: Recipe
  readonly errors: Readonly<Record<string, string>>
  readonly change: (change: (recipe: Recipe) => Recipe) => void
}

const POLICIES: readonly { value: Policy; label: string }[] = [
  { value: 'packed', label: 'Packed: text cut into full rows' },
  { value: 'padded', label: 'Padded: one sample in each row' }
]

const CALIBRATE_ON: readonly { value: CalibrateOn; label: string }[] = [
  { value: 'all', label: 'All positions' },
  { value: 'responses', label: 'Responses of conversations' },
  { value: 'prompts', label: 'Prompts of conversations' }
]

const LOSS_ON: readonly { value: LossOn; label: string }[] = [
  { value: 'all', label: 'All tokens' },
  { value: 'responses', label: 'Responses of conversations' }
]

const FIRST_TOKEN: readonly { value: FirstToken; label: string }[] = [
  { value: 'include', label: 'Counted' },
  { value: 'exclude', label: 'Left out' }
]

const ON_DEVICE_FAILURE: readonly { value: OnDeviceFailure; label: string }[] = [
  { value: 'stop', label: 'Stop; resume later' },
  { value: 'cpu', label: 'Go on on the processor' }
]

const DTYPES: readonly { value: FactorDtype; label: string }[] = [
  { value: 'float32', label: 'float32' },
  { value: 'bfloat16', label: 'bfloat16' },
  { value: 'float16', label: 'float16' }
]

const MIB = 2 ** 20

type SetKey = <K extends keyof Recipe>(key: K, value: Recipe[K]) => void

interface FieldsProps extends Pick<Props, 'recipe' | 'errors'> {
  readonly set: SetKey
}

/** Memory, and what is left to chance. */
function ResourceFields({ recipe, errors, set }: FieldsProps) {
  return (
    <>
      <NumberField
        label={<Term name="memory budget">Memory budget, MiB</Term>}
        description="Hidden states; more goes to disk"
        min={1}
        step={256}
        allowDecimal={false}
        value={Math.round(recipe.memoryBudget / MIB)}
        onChange={(mib) => set('memoryBudget', mib * MIB)}
        error={errors.memoryBudget}
      />
      <ChoiceField
        label={<Term name="onDeviceFailure">If the device fails</Term>}
        description="A graphics card, while it computes"
        data={ON_DEVICE_FAILURE}
        value={recipe.onDeviceFailure}
        onChange={(value) => set('onDeviceFailure', value)}
      />
      <NumberField
        label={<Term name="seed">Seed</Term>}
        description="Of lora_A where it is random"
        min={0}
        allowDecimal={false}
        value={recipe.seed}
        onChange={(seed) => set('seed', seed)}
        error={errors.seed}
      />
    </>
  )
}

/** The first draw is the usual one, which a recipe need not name. */
const withDraw = ({ draw: _, ...source }: Recipe['calibration'], draw: number): Recipe['calibration'] =>
  draw === 0 ? source : { ...source, draw }

/** What most people leave as it is. */
function AdvancedFields({ recipe, errors, change, set }: Props & { readonly set: SetKey }) {
  return (
    <SimpleGrid cols={{ base: 2, xl: 3 }} spacing="md">
      <NumberField
        label={<Term name="context">Context</Term>}
        description="Tokens in a row"
        min={2}
        step={64}
        allowDecimal={false}
        value={recipe.context}
        onChange={(context) => set('context', context)}
        error={errors.context}
      />
      <ChoiceField
        label={<Term name="policy">Rows</Term>}
        description="How text becomes rows"
        data={POLICIES}
        value={recipe.policy}
        onChange={(value) => set('policy', value)}
      />
      <NumberField
        label={<Term name="draw">Draw of rows</Term>}
        description="Each takes other rows"
        min={0}
        allowDecimal={false}
        value={recipe.calibration.draw ?? 0}
        onChange={(draw) => change((now) => ({ ...now, calibration: withDraw(now.calibration, draw) }))}
        error={errors['calibration.draw']}
      />
      <PositionFields recipe={recipe} set={set} />
      <TextInput
        type="date"
        label={<Term name="templateDate">Day in conversations</Term>}
        description="Written as today; else the run's"
        value={recipe.templateDate ?? ''}
        onChange={({ currentTarget: { value } }) => change((now) => withDay(now, value))}
        error={errors.templateDate}
      />
      <ChoiceField
        label={<Term name="factorDtype">Adapter's dtype</Term>}
        description="As stored; trainers convert"
        data={DTYPES}
        value={recipe.factorDtype}
        onChange={(value) => set('factorDtype', value)}
      />
      <ResourceFields recipe={recipe} errors={errors} set={set} />
      {OPTIONS.map((option) => (
        <OptionField key={option} option={option} recipe={recipe} errors={errors} change={change} />
      ))}
    </SimpleGrid>
  )
}

/** Where it is computed, and what most people leave as it is. */
export function DeviceCard({ recipe, errors, change }: Props) {
  const unusual = errors.context ?? errors.memoryBudget ?? errors.seed ?? errors['calibration.draw']
  const [opened, { toggle }] = useDisclosure(unusual !== undefined)
  const set = <K extends keyof Recipe>(key: K, value: Recipe[K]): void => change((now) => ({ ...now, [key]: value }))
  return (
    <FormCard
      title="Device"
      term="device"
      summary={`${recipe.context} tokens in a row, ${formatBytes(recipe.memoryBudget)} in memory`}
    >
      <Group align="flex-end" gap="md">
        <Stack gap={4}>
          <Text size="sm" fw={600} id="device-label">
            Computed on
          </Text>
          <SegmentedControl
            aria-labelledby="device-label"
            value={recipe.device}
            onChange={(device) => set('device', device as DeviceName)}
            data={DEVICES.map((value) => ({ value, label: DEVICE_LABELS[value] }))}
          />
        </Stack>
        <TextInput
          label="Name of the run"
          placeholder="as the model"
          flex={1}
          miw={180}
          maxLength={80}
          value={recipe.name ?? ''}
          onChange={({ currentTarget: { value } }) => change((now) => withName(now, value))}
        />
      </Group>
      <Stack gap="xs" align="flex-start">
        <Button
          variant="subtle"
          size="compact-sm"
          onClick={toggle}
          aria-expanded={opened}
          leftSection={opened ? <IconChevronDown size={14} aria-hidden /> : <IconChevronRight size={14} aria-hidden />}
        >
          Advanced
        </Button>
        <Collapse expanded={opened} w="100%">
          <AdvancedFields recipe={recipe} errors={errors} change={change} set={set} />
        </Collapse>
      </Stack>
    </FormCard>
  )
}

/** Without a day the key goes: the run takes that on which it is made. */
function withDay({ templateDate: _, ...recipe }: Recipe, templateDate: string): Recipe {
  return templateDate === '' ? recipe : { ...recipe, templateDate }
}

interface PositionProps {
  readonly recipe: Recipe
  readonly set: <K extends keyof Recipe>(key: K, value: Recipe[K]) => void
}

/** Which positions count, in H and in perplexity. */
function PositionFields({ recipe, set }: PositionProps) {
  return (
    <>
      <ChoiceField
        label={<Term name="calibrateOn">Calibrate on</Term>}
        description="Positions counted in H"
        data={CALIBRATE_ON}
        value={recipe.calibrateOn}
        onChange={(value) => set('calibrateOn', value)}
      />
      <ChoiceField
        label={<Term name="firstToken">First token of a row</Term>}
        description="An attention sink; in H"
        data={FIRST_TOKEN}
        value={recipe.firstToken}
        onChange={(value) => set('firstToken', value)}
      />
      <ChoiceField
        label={<Term name="lossOn">Loss on</Term>}
        description="Tokens counted in perplexity"
        data={LOSS_ON}
        value={recipe.lossOn}
        onChange={(value) => set('lossOn', value)}
      />
    </>
  )
}

const OPTIONS = Object.keys(METHOD_OPTIONS) as MethodOptionName[]

/** A number that only some methods read, the same for all variants; greyed out while no variant has such a method. */
function OptionField({ option, recipe, errors, change }: Props & { readonly option: MethodOptionName }) {
  const { title, min, max, default: usual } = METHOD_OPTIONS[option]
  const value = recipe.variants.find(({ method }) => readsOption(method, option))?.[option]
  const text = optionText(option)
  return (
    <NumberField
      label={isTerm(option) ? <Term name={option}>{title}</Term> : title}
      description={capitalized(text)}
      min={min}
      max={max}
      allowDecimal={false}
      disabled={value === undefined}
      value={value ?? usual}
      onChange={(next) =>
        change((now) => ({ ...now, variants: now.variants.map((one) => ({ ...one, [option]: next })) }))
      }
      error={Object.entries(errors).find(([path]) => /^variants\.\d+\.(\w+)$/.exec(path)?.[1] === option)?.[1]}
    />
  )
}

function withName({ name: _, ...recipe }: Recipe, name: string): Recipe {
  return name === '' ? recipe : { ...recipe, name }
}
