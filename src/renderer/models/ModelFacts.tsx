import { Card, SimpleGrid, Stack, Text } from '@mantine/core'
import type { ReactNode } from 'react'
import type { InspectedModel, Inspection } from '../../shared/inspection'
import type { FoundModel } from '../../shared/models'
import { TOWER_ALONE, towerText } from '../../shared/textTower'
import { KeyValues } from '../components/KeyValues'
import { RelativeTime } from '../components/RelativeTime'
import { formatBytes, formatCount, formatParameters, formatPercent, plural } from '../format/numbers'
import { SOURCE_LABELS } from './modelText'

interface Props {
  readonly model: FoundModel
  readonly inspection: Inspection | null
}

/** The four figures that people ask for first, and the facts behind them; of what cannot be read only where it comes from. */
export function ModelFacts({ model, inspection }: Props) {
  if (inspection === null) {
    const type = model.family === null ? [] : ([['Model type', model.family]] as const)
    return (
      <Card withBorder>
        <KeyValues items={[...type, ...originFacts(model, null)]} />
      </Card>
    )
  }
  return (
    <Stack gap="md">
      <Figures inspection={inspection} />
      <Card withBorder>
        <SimpleGrid cols={{ base: 1, md: 2 }} spacing="xl" verticalSpacing={6} style={{ alignItems: 'start' }}>
          <KeyValues items={shapeFacts(inspection)} />
          <KeyValues items={originFacts(model, inspection)} />
        </SimpleGrid>
      </Card>
    </Stack>
  )
}

function Figures({ inspection }: { readonly inspection: Inspection }) {
  const { model, modelType, parameters, bytes, files } = inspection
  return (
    <SimpleGrid cols={{ base: 2, sm: 4 }} spacing="sm">
      <Figure label="Parameters" value={formatParameters(parameters)}>
        {dtypeShares(inspection)}
      </Figure>
      <Figure label="Size of the weights" value={formatBytes(bytes)}>
        {plural(files.length, 'file')}
      </Figure>
      <Figure label="Family" value={model?.family ?? modelType ?? 'unknown'}>
        {model === undefined ? 'cannot be prepared' : blocksText(model)}
      </Figure>
      {model !== undefined && (
        <Figure label="Will be quantized" value={quantizedShare(model)}>
          of the parameters, in {plural(model.linears.length, 'linear')}
        </Figure>
      )}
    </SimpleGrid>
  )
}

function Figure({
  label,
  value,
  children
}: {
  readonly label: string
  readonly value: string
  readonly children: ReactNode
}) {
  return (
    <Card withBorder p="sm">
      <Text size="xs" c="dimmed">
        {label}
      </Text>
      <Text size="xl" fw={600} className="num">
        {value}
      </Text>
      <Text size="xs" c="dimmed">
        {children}
      </Text>
    </Card>
  )
}

const blocksText = ({ blocks, hiddenSize }: InspectedModel): string =>
  `${plural(blocks, 'block')}, hidden size ${formatCount(hiddenSize)}`

/** `BF16`, or each dtype with its share where there are several. */
function dtypeShares({ dtypes, parameters }: Inspection): string {
  const entries = Object.entries(dtypes).sort(([, a], [, b]) => b - a)
  if (entries.length === 1) return entries[0]?.[0] ?? ''
  return entries.map(([dtype, count]) => `${dtype} ${formatPercent(count / parameters)}`).join(', ')
}

function quantizedShare({ roles }: InspectedModel): string {
  const all = roles.reduce((sum, { parameters }) => sum + parameters, 0)
  const quantized = roles.find(({ role }) => role === 'quantized')?.parameters ?? 0
  return formatPercent(quantized / all)
}

type Items = Parameters<typeof KeyValues>[0]['items']

function shapeFacts({ model, tokenizer, chatTemplates }: Inspection): Items {
  const shape: Items =
    model === undefined
      ? []
      : [
          ['Vocabulary', plural(model.vocabularySize, 'token')],
          ['Output head', model.tiedHead ? 'tied to the embedding' : 'its own weights'],
          ['Context', `up to ${plural(model.contextLimit, 'token')}`],
          ...(model.tower === undefined ? [] : ([['Part', `${towerText(model.tower)}: ${TOWER_ALONE}`]] as const))
        ]
  const [template] = chatTemplates
  return [
    ...shape,
    [
      'Tokenizer',
      tokenizer === undefined
        ? 'none that can be used'
        : `${tokenizer.kind}, ${plural(tokenizer.vocabularySize, 'token')}`
    ],
    ['Chat template', template === undefined ? 'none' : template.file]
  ]
}

function originFacts(model: FoundModel, inspection: Inspection | null): Items {
  const revision = model.revision === null ? [] : ([['Revision', revisionText(model)]] as const)
  const changed =
    model.modifiedAtMs === null
      ? []
      : ([['Changed', <RelativeTime key="changed" atMs={model.modifiedAtMs} />]] as const)
  return [
    ['Found in', SOURCE_LABELS[model.source]],
    ...revision,
    ...changed,
    // Of a folder that cannot be read nothing is known.
    ...(inspection === null
      ? []
      : ([['Licence', inspection.licence ?? 'not named in README.md or config.json']] as const))
  ]
}

const revisionText = ({ revision, refs }: FoundModel): string =>
  `${revision?.slice(0, 12)}${refs.length === 0 ? '' : ` (${refs.join(', ')})`}`
