import { Button, Select, Stack } from '@mantine/core'
import { IconArrowLeft, IconPackageOff } from '@tabler/icons-react'
import { useState } from 'react'
import { Link, useParams } from 'wouter'
import type { RunDetail } from '../../shared/contract/runs'
import { modelName } from '../../shared/modelName'
import { useCall } from '../api/hooks'
import { EmptyState } from '../components/EmptyState'
import { PageFrame } from '../components/PageFrame'
import { QueryView } from '../components/QueryView'
import { BundleCard } from './BundleCard'
import { ReportCard } from './ReportCard'
import { VariantExport } from './VariantExport'

/** Where a run's adapters leave Quail: copy, compatibility, snippets, checks, and the whole run as one file. */
export function ExportPage() {
  const { id = '' } = useParams<{ id: string }>()
  const run = useCall('runs.get', { id: decodeURIComponent(id) })
  return (
    <QueryView query={run} failure="The run could not be read">
      {(found) => <ExportOf run={found} />}
    </QueryView>
  )
}

function ExportOf({ run }: { readonly run: RunDetail }) {
  const exported = run.variants.filter(({ adapter }) => adapter !== null)
  const [chosen, setChosen] = useState<string | null>(null)
  const best = chosen ?? bestVariant(run) ?? exported[0]?.name
  const back = (
    <Button
      component={Link}
      href={`/runs/${run.id}`}
      variant="default"
      leftSection={<IconArrowLeft size={16} aria-hidden />}
    >
      Back to the run
    </Button>
  )
  const frame = { title: `Export ${run.title}`, subtitle: `${run.id} · ${modelName(run.model)}`, actions: back }
  if (best === undefined) {
    return (
      <PageFrame {...frame}>
        <EmptyState icon={<IconPackageOff />} title="There is no adapter yet" action={back}>
          A run writes its adapters at its end; this one is {run.status}.
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
            description="The one with the lowest perplexity comes first."
            data={exported.map(({ name }) => name)}
            value={best}
            onChange={setChosen}
            allowDeselect={false}
            maw={420}
          />
        )}
        <VariantExport key={best} run={run.id} variant={best} />
        {run.status === 'completed' && <ReportCard run={run.id} />}
        {run.status === 'completed' && <BundleCard run={run.id} />}
      </Stack>
    </PageFrame>
  )
}

/** The variant with the lowest perplexity on the first evaluation text. */
function bestVariant({ perplexity, variants }: RunDetail): string | undefined {
  const [measured] = Object.values(perplexity)
  const ranked = Object.entries(measured?.variants ?? {}).sort(([, a], [, b]) => a - b)
  return ranked.find(([name]) => variants.some((one) => one.name === name && one.adapter !== null))?.[0]
}
