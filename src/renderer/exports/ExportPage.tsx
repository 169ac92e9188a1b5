import { Button, Select, Stack } from '@mantine/core'
import { IconArrowLeft, IconPackageOff } from '@tabler/icons-react'
import { Link, useLocation, useParams, useSearch } from 'wouter'
import type { RunDetail, RunVariant } from '../../shared/contract/runs'
import { type Recommendation, recommendations } from '../../shared/headline'
import { modelName } from '../../shared/modelName'
import { STATUS_SENTENCES } from '../../shared/runWords'
import { variantLabels } from '../../shared/variantLabels'
import { useCall } from '../api/hooks'
import { EmptyState } from '../components/EmptyState'
import { PageFrame } from '../components/PageFrame'
import { QueryView } from '../components/QueryView'
import { widest } from '../components/textSize'
import { partName } from '../format/partName'
import { ALL_RUNS, exportAddress, runAddress } from '../runs/runAddress'
import { BundleCard } from './BundleCard'
import { ReportCard } from './ReportCard'
import { VariantExport } from './VariantExport'

/** Where a run's adapters leave Quail: copy, compatibility, snippets, checks, and the whole run as one file. */
export function ExportPage() {
  const { id = '' } = useParams<{ id: string }>()
  const run = useCall('runs.get', { id: partName(id) })
  return (
    <QueryView query={run} page="Export" failure="The run could not be read" elsewhere={ALL_RUNS}>
      {(found) => <ExportOf run={found} />}
    </QueryView>
  )
}

function ExportOf({ run }: { readonly run: RunDetail }) {
  const exported = run.variants.filter(({ adapter }) => adapter !== null)
  const recommended = recommendations({ perplexity: run.perplexity, variants: exported })
  const first = recommended[0]?.variant.name
  const { wanted, choose } = useWantedVariant(run.id)
  const shown = exported.find(({ name }) => name === wanted)?.name ?? first
  const back = (
    <Button
      component={Link}
      href={runAddress(run.id, { variant: shown === first ? undefined : shown })}
      variant="default"
      leftSection={<IconArrowLeft size={16} aria-hidden />}
    >
      Back to the run
    </Button>
  )
  const frame = { title: `Export ${run.title}`, subtitle: `${run.id} · ${modelName(run.model)}`, actions: back }
  if (shown === undefined) {
    return (
      <PageFrame {...frame}>
        <EmptyState icon={<IconPackageOff />} title="There is no adapter yet" action={back}>
          A run writes its adapters at its end; this one {STATUS_SENTENCES[run.status]}.
        </EmptyState>
      </PageFrame>
    )
  }
  return (
    <PageFrame {...frame}>
      <Stack gap="lg">
        {exported.length > 1 && (
          <Select
            label="Variant"
            description={recommended.map(recommendation).join('; ')}
            data={choices(exported, recommended)}
            value={shown}
            onChange={choose}
            allowDeselect={false}
            w={choiceWidth(exported)}
            maw="100%"
          />
        )}
        <VariantExport key={shown} run={run.id} variant={shown} />
        {run.status === 'completed' && <ReportCard run={run.id} />}
        {run.status === 'completed' && <BundleCard run={run.id} />}
      </Stack>
    </PageFrame>
  )
}

/** The variant is part of the address, so that the page of the run leads to the one that it shows, and back. */
function useWantedVariant(run: string) {
  const [, navigate] = useLocation()
  const wanted = new URLSearchParams(useSearch()).get('variant')
  const choose = (name: string | null): void => {
    if (name !== null) navigate(exportAddress(run, name), { replace: true })
  }
  return { wanted, choose }
}

const recommendation = ({ label, variant, harmful }: Recommendation<RunVariant>): string =>
  harmful ? `Every variant makes ${label} worse` : `Recommended for ${label}: ${variant.name}`

/** A choice shows its name whole. */
const choiceWidth = (exported: readonly RunVariant[]): number =>
  Math.max(480, widest(variantLabels(exported), 400, 14) + 170)

/** Variants under their quantizers, the recommended one of each first. */
function choices(exported: readonly RunVariant[], recommended: readonly Recommendation<RunVariant>[]) {
  const labels = variantLabels(exported)
  const labelOf = (variant: RunVariant): string => labels[exported.indexOf(variant)] ?? variant.name
  return recommended.map(({ quantizer, label, variant, harmful }) => ({
    group: label,
    items: [
      { value: variant.name, label: harmful ? labelOf(variant) : `${labelOf(variant)} (recommended)` },
      ...exported
        .filter((one) => one.quantizer === quantizer && one.name !== variant.name)
        .map((one) => ({ value: one.name, label: labelOf(one) }))
    ]
  }))
}
