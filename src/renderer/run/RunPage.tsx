import { Accordion, Anchor, Badge, Group, Stack, Text, Title, Tooltip } from '@mantine/core'
import { useMemo } from 'react'
import { Link, useParams } from 'wouter'
import type { LayerRow, RunProof } from '../../shared/contract/proof'
import { durationText } from '../../shared/durationText'
import { modelName } from '../../shared/modelName'
import { worstFirst } from '../../shared/proof'
import { LAYERS_OF_START } from '../../shared/refinementWords'
import { PageFrame } from '../components/PageFrame'
import { QueryView } from '../components/QueryView'
import { RelativeTime } from '../components/RelativeTime'
import { Sentence } from '../components/Sentence'
import { partName } from '../format/partName'
import { RunStatusBadge } from '../runs/RunStatusBadge'
import { ALL_RUNS } from '../runs/runAddress'
import { sweepAddress } from '../sweeps/sweepAddress'
import { AcceptanceCard } from './AcceptanceCard'
import { EnvironmentSection } from './EnvironmentSection'
import { FilesSection } from './FilesSection'
import { LayerDrawer } from './LayerDrawer'
import { LayersTable } from './LayersTable'
import { LogSection } from './LogSection'
import { PerplexityCards } from './PerplexityCards'
import { ofStart, resultSentences } from './proofData'
import { RanksCard } from './RanksCard'
import { RecipeSection } from './RecipeSection'
import { RefinementCard } from './RefinementCard'
import { RunActions } from './RunActions'
import { RunMenu } from './RunMenu'
import { RunOutcomeCard } from './RunOutcomeCard'
import { RunProgressCard } from './RunProgressCard'
import { StripSection } from './StripSection'
import { useRunAddress } from './useRunAddress'
import { useRunProof } from './useRunProof'
import { VariantChoice } from './VariantChoice'

/** One run: what it proved, the evidence under it, and how to repeat it. */
export function RunPage() {
  const { id = '', layer } = useParams<{ id: string; layer?: string }>()
  // Another run is another page: nothing that waits for one may reach the other.
  return <Page key={id} id={partName(id)} layer={layer === undefined ? undefined : partName(layer)} />
}

function Page({ id, layer }: { readonly id: string; readonly layer: string | undefined }) {
  const { run, layers } = useRunProof(id)
  return (
    <QueryView query={run} page="Run" failure="The run could not be read" elsewhere={ALL_RUNS} rows={8}>
      {(proof) => <Proof run={proof} layers={layers.data ?? NO_LAYERS} layer={layer} />}
    </QueryView>
  )
}

const BREAKS = { overflowWrap: 'anywhere' } as const
const NO_LAYERS: readonly LayerRow[] = []

interface Props {
  readonly run: RunProof
  readonly layers: readonly LayerRow[]
  readonly layer: string | undefined
}

function Proof({ run, layers, layer }: Props) {
  const { variant, chosen, choose, open, close } = useRunAddress(run, layer)
  const sentences = resultSentences(run, variant, layers)
  const names = useMemo(
    () =>
      worstFirst(layers.filter((row) => row.variant === variant).map((result) => ({ result }))).map(
        (l) => l.result.name
      ),
    [layers, variant]
  )
  return (
    <PageFrame
      title={run.title}
      subtitle={<Subtitle run={run} />}
      actions={
        <>
          <RunMenu run={run} />
          <RunActions run={run} chosen={chosen} />
        </>
      }
    >
      <Stack gap="xl">
        {sentences.length > 0 && (
          <Stack gap="xs" data-testid="sentence">
            {sentences.map((sentence) => (
              <Text key={sentence} fz={22} lh={1.35} fw={500} className="num" style={{ overflowWrap: 'anywhere' }}>
                <Sentence>{sentence}</Sentence>
              </Text>
            ))}
          </Stack>
        )}
        {run.notes !== '' && (
          <Text size="sm" style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}>
            {run.notes}
          </Text>
        )}
        <RunProgressCard run={run} />
        <RunOutcomeCard run={run} />
        <VariantChoice variants={run.variants} value={variant} onChange={choose} />
        <PerplexityCards run={run} variant={variant} onChoose={choose} />
        <RanksCard run={run} layers={layers} />
        <AcceptanceCard run={run} />
        <RefinementCard run={run} />
        <StripSection run={run} layers={layers} variant={variant} current={layer} onOpen={open} />
        <Stack gap="xs" component="section" aria-labelledby="layers-heading">
          <Title order={2} size="h4" id="layers-heading">
            Layers
          </Title>
          {ofStart(run, variant) && (
            <Text size="sm" data-testid="layers-of-start">
              {LAYERS_OF_START}
            </Text>
          )}
          <LayersTable run={run} layers={layers} variant={variant} current={layer} onOpen={open} />
        </Stack>
        <Accordion multiple variant="separated" chevronPosition="left" order={2}>
          <RecipeSection run={run} />
          <EnvironmentSection run={run} />
          <LogSection run={run} />
          <FilesSection run={run} />
        </Accordion>
      </Stack>
      <LayerDrawer
        run={run}
        layer={layer}
        order={names}
        variant={variant}
        onVariant={choose}
        onOpen={open}
        onClose={close}
      />
    </PageFrame>
  )
}

function Subtitle({ run }: { readonly run: RunProof }) {
  return (
    <Group gap="xs" mt={4}>
      <RunStatusBadge status={run.status} />
      <Text span size="sm" c="dimmed">
        <RelativeTime atMs={run.createdAtMs} />
      </Text>
      {run.status !== 'running' && run.workedMs !== null && (
        <Text span size="sm" c="dimmed" className="num">
          took {durationText(run.workedMs)}
        </Text>
      )}
      <Tooltip label={run.model} multiline maw={520}>
        <Text span size="sm" c="dimmed" style={BREAKS}>
          {modelName(run.model)}
        </Text>
      </Tooltip>
      {run.sweep !== undefined && (
        <Text span size="sm" c="dimmed">
          of the sweep{' '}
          <Anchor component={Link} href={sweepAddress(run.sweep.id)} underline="always" style={BREAKS}>
            {run.sweep.name}
          </Anchor>
        </Text>
      )}
      {run.tags.map((tag) => (
        <Badge key={tag} variant="default" tt="none" fw={400}>
          {tag}
        </Badge>
      ))}
    </Group>
  )
}
