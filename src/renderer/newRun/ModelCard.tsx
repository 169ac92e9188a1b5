import { Anchor, Button, Group, Select, Stack, Text } from '@mantine/core'
import { IconFolderOpen } from '@tabler/icons-react'
import { Link } from 'wouter'
import { modelName } from '../../shared/modelName'
import type { FoundModel } from '../../shared/models'
import type { Plan } from '../../shared/plan'
import { call } from '../api/desktop'
import { useCall } from '../api/hooks'
import { formatBytes, formatCount, formatParameters, plural } from '../format/numbers'
import { shortenPath } from '../format/paths'
import { Term } from '../glossary/Term'
import { DropTarget } from './DropTarget'
import { FormCard } from './FormCard'

interface Props {
  readonly model: string
  /** Pre-quantized checkpoint that holds Q. */
  readonly base: string | undefined
  readonly plan: Plan | undefined
  readonly error: string | undefined
  readonly onChange: (model: string) => void
  readonly onBase: (base: string | undefined) => void
}

/** The checkpoint: one that was found, or a folder of choice. */
export function ModelCard({ model, base, plan, error, onChange, onBase }: Props) {
  const found = useCall('models.list', {}).data?.models ?? []
  const present = found.find(({ directory }) => directory === model)
  const pick = async (): Promise<void> => {
    const [path] = await call('app.pick', { kind: 'model' })
    if (path !== undefined) onChange(path)
  }
  const facts = plan?.model.directory === model ? plan.model : undefined
  return (
    <FormCard title="Model" summary={facts && `${facts.family}, ${formatParameters(facts.parameters)} parameters`}>
      <DropTarget label="Drop a checkpoint folder" onDrop={([path]) => path !== undefined && onChange(path)}>
        <Stack gap={6}>
          <Group align="flex-end" wrap="nowrap" gap="xs">
            <Select
              label={<Term name="checkpoint">Checkpoint</Term>}
              flex={1}
              title={model}
              searchable
              allowDeselect={false}
              data={optionsOf(found, model)}
              value={model}
              onChange={(path) => path !== null && onChange(path)}
              error={error}
              nothingFoundMessage="No model of this name; choose its folder"
              renderOption={({ option }) => (
                <Stack gap={0}>
                  <Text size="sm">{option.label}</Text>
                  <Text size="xs" c="dimmed" lineClamp={2}>
                    {found.find(({ directory }) => directory === option.value)?.problems[0] ??
                      shortenPath(option.value, 64)}
                  </Text>
                </Stack>
              )}
            />
            <Button
              variant="default"
              leftSection={<IconFolderOpen size={16} aria-hidden />}
              onClick={() => void pick()}
            >
              Choose folder…
            </Button>
          </Group>
          <Text size="xs" c="dimmed" className="num" style={{ overflowWrap: 'anywhere' }}>
            {facts === undefined ? shortenPath(model, 80) : factsOf(facts)}{' '}
            {present && (
              <Anchor component={Link} href={`/models/${present.id}`} inherit underline="always">
                Inspect
              </Anchor>
            )}
          </Text>
          <BaseField base={base} onBase={onBase} />
        </Stack>
      </DropTarget>
    </FormCard>
  )
}

/** Quantized anew, as trainers do, or read from a checkpoint that somebody quantized before. */
function BaseField({ base, onBase }: Pick<Props, 'base' | 'onBase'>) {
  const pick = async (): Promise<void> => {
    const [path] = await call('app.pick', { kind: 'model' })
    if (path !== undefined) onBase(path)
  }
  return (
    <Group gap="xs" justify="space-between" wrap="nowrap" role="group" aria-label="Quantized base">
      <Text size="xs" c="dimmed" style={{ overflowWrap: 'anywhere' }}>
        {base === undefined
          ? 'Quantized base: made from the checkpoint, as trainers do.'
          : `Quantized base: ${shortenPath(base, 64)}`}
      </Text>
      <Group gap="xs" wrap="nowrap">
        {base !== undefined && (
          <Button size="compact-xs" variant="subtle" onClick={() => onBase(undefined)}>
            Quantize anew
          </Button>
        )}
        <Button size="compact-xs" variant="default" onClick={() => void pick()}>
          Pre-quantized…
        </Button>
      </Group>
    </Group>
  )
}

/** What can be prepared first; what cannot is shown with its reason, and the present choice always. */
function optionsOf(found: readonly FoundModel[], model: string) {
  const listed = [...found].sort((a, b) => Number(a.status !== 'ready') - Number(b.status !== 'ready'))
  const options = listed.map(({ directory, name, organisation, source, status }) => ({
    value: directory,
    label: source === 'sample' ? 'Sample model' : organisation === null ? name : `${organisation}/${name}`,
    disabled: status !== 'ready' && directory !== model
  }))
  return options.some(({ value }) => value === model)
    ? options
    : [...options, { value: model, label: modelName(model), disabled: false }]
}

const factsOf = ({ dtypes, bytes, blocks, hiddenSize, vocabularySize }: Plan['model']): string =>
  `${plural(blocks, 'block')}, hidden size ${formatCount(hiddenSize)}, vocabulary ${formatCount(vocabularySize)}, ${dtypes.join(' and ')}, ${formatBytes(bytes)}.`
