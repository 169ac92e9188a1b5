import { Button, Tabs } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { IconCut, IconPlus, IconTrash } from '@tabler/icons-react'
import { Link, useLocation, useParams, useSearch } from 'wouter'
import type { CalibrationSetDetail } from '../../shared/contract/calibration'
import { useAction, useCall } from '../api/hooks'
import { confirm } from '../components/confirm'
import { notifyError } from '../components/notify'
import { PageFrame } from '../components/PageFrame'
import { QueryView } from '../components/QueryView'
import { offerUndo } from '../components/undo'
import { plural } from '../format/numbers'
import { partName } from '../format/partName'
import { HoldOutModal } from './HoldOutModal'
import { SampleList } from './SampleList'
import { SetFacts } from './SetFacts'
import { ALL_SETS, KIND_LABELS } from './setText'
import { TokenPreviewTab } from './TokenPreviewTab'

/** One calibration set: where it comes from, its samples, and its exact tokens for a model. */
export function SetPage() {
  const { name: encoded = '' } = useParams<{ name: string }>()
  const name = partName(encoded)
  const set = useCall('calibration.get', { name })
  return (
    <PageFrame
      title={name}
      subtitle={
        set.data &&
        `${plural(set.data.samples, 'sample')} of ${KIND_LABELS[set.data.kind]}, ${plural(set.data.characters, 'character')}`
      }
      actions={set.data && <SetActions set={set.data} />}
    >
      <QueryView query={set} failure="The calibration set could not be read" elsewhere={ALL_SETS}>
        {(found) => <Parts set={found} />}
      </QueryView>
    </PageFrame>
  )
}

const TABS = ['tokens', 'samples', 'facts'] as const

/** The tab is part of the address, so that back and a restart lead to it. */
function Parts({ set }: { readonly set: CalibrationSetDetail }) {
  const [, navigate] = useLocation()
  const wanted = new URLSearchParams(useSearch()).get('tab')
  const tab = TABS.find((one) => one === wanted) ?? 'tokens'
  return (
    <Tabs
      value={tab}
      onChange={(next) => navigate(`/data/${encodeURIComponent(set.name)}?tab=${next}`, { replace: true })}
      keepMounted={false}
    >
      <Tabs.List mb="md">
        <Tabs.Tab value="tokens">Exact tokens</Tabs.Tab>
        <Tabs.Tab value="samples">Samples</Tabs.Tab>
        <Tabs.Tab value="facts">Provenance</Tabs.Tab>
      </Tabs.List>
      <Tabs.Panel value="tokens">
        <TokenPreviewTab set={set} />
      </Tabs.Panel>
      <Tabs.Panel value="samples">
        <SampleList set={set} />
      </Tabs.Panel>
      <Tabs.Panel value="facts">
        <SetFacts set={set} />
      </Tabs.Panel>
    </Tabs>
  )
}

function SetActions({ set: { name, samples, characters, heldOut } }: { readonly set: CalibrationSetDetail }) {
  const [parting, { open, close }] = useDisclosure(false)
  const [, navigate] = useLocation()
  const remove = useAction('calibration.delete', ({ deletion }) => {
    offerUndo(`${name} was deleted`, deletion, 'It is final in ten minutes.')
    navigate('/data')
  })
  const ask = async (): Promise<void> => {
    const sure = await confirm({
      title: `Delete ${name}?`,
      body: `${plural(samples, 'sample')} with ${plural(characters, 'character')} are removed from the database; for ten minutes this can be undone. The file that they came from is not touched, and runs that used the set keep their own copy.`,
      confirm: 'Delete the set'
    })
    if (sure) remove.mutate({ names: [name] }, { onError: (error) => notifyError('The set was not deleted', error) })
  }
  return (
    <>
      <Button variant="default" leftSection={<IconTrash size={16} aria-hidden />} onClick={() => void ask()}>
        Delete…
      </Button>
      {heldOut === null && (
        <Button variant="default" leftSection={<IconCut size={16} aria-hidden />} onClick={open}>
          Hold out…
        </Button>
      )}
      {parting && <HoldOutModal name={name} onClose={close} />}
      <Button
        component={Link}
        href={`/new?set=${encodeURIComponent(name)}`}
        leftSection={<IconPlus size={16} aria-hidden />}
      >
        New run with this set
      </Button>
    </>
  )
}
