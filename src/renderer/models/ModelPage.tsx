import { Alert, Button, List, Stack, Tabs, Text } from '@mantine/core'
import { IconAlertTriangle, IconPlayerPlay } from '@tabler/icons-react'
import { Link, useLocation, useParams, useSearch } from 'wouter'
import type { ModelDetails } from '../../shared/contract/models'
import type { Inspection } from '../../shared/inspection'
import type { FoundModel } from '../../shared/models'
import { useCall } from '../api/hooks'
import { PageFrame } from '../components/PageFrame'
import { PathText } from '../components/PathText'
import { QueryView } from '../components/QueryView'
import { Sentence } from '../components/Sentence'
import { FileList } from './FileList'
import { LinearsTab } from './LinearsTab'
import { ModelFacts } from './ModelFacts'
import { ALL_MODELS, fullName, modelAddress, newRunAddress, problemsOf, STATUS_LABELS, shortProblem } from './modelText'
import { TensorTree } from './TensorTree'
import { TokenizerTab } from './TokenizerTab'
import { useFolders } from './useFolders'

/** One checkpoint: what it is, whether Quail can prepare it, and everything that is known of it. */
export function ModelPage() {
  const { id = '' } = useParams<{ id: string }>()
  const details = useCall('models.get', { id }, { everyTime: true })
  const model = details.data?.model
  return (
    <PageFrame
      title={model === undefined ? 'Model' : fullName(model)}
      subtitle={model && <PathText path={model.directory} length={72} />}
      actions={details.data && <Actions details={details.data} />}
    >
      <QueryView query={details} failure="This model could not be read" elsewhere={ALL_MODELS} rows={6}>
        {(found) => <Details details={found} />}
      </QueryView>
    </PageFrame>
  )
}

function Actions({ details }: { readonly details: ModelDetails }) {
  const { model } = details
  const folders = useFolders()
  return (
    <>
      {model.source === 'folder' && (
        <Button variant="default" onClick={() => void folders.remove(model.foundIn)}>
          Remove from list…
        </Button>
      )}
      {problemsOf(details).length === 0 && (
        <Button
          component={Link}
          href={newRunAddress(model.directory)}
          leftSection={<IconPlayerPlay size={16} aria-hidden />}
        >
          New run with this model
        </Button>
      )}
    </>
  )
}

function Details({ details }: { readonly details: ModelDetails }) {
  const { model, inspection } = details
  const word = model.status === 'ready' ? 'Needs attention' : STATUS_LABELS[model.status]
  return (
    <Stack gap="lg">
      <Notice
        model={model}
        title={`${word}: Quail cannot prepare this checkpoint`}
        color="orange"
        sentences={problemsOf(details)}
      />
      <Notice
        model={model}
        title="A trainer may load another model"
        color="yellow"
        sentences={inspection?.warnings ?? []}
      />
      <ModelFacts model={model} inspection={inspection} />
      {inspection !== null && <Parts id={model.id} inspection={inspection} />}
    </Stack>
  )
}

interface NoticeProps {
  readonly model: FoundModel
  readonly title: string
  readonly color: string
  readonly sentences: readonly string[]
}

/** Sentences about the folder of a model; nothing where there are none. */
function Notice({ model, title, color, sentences }: NoticeProps) {
  if (sentences.length === 0) return null
  return (
    <Alert color={color} variant="light" icon={<IconAlertTriangle aria-hidden />} title={title}>
      <List size="sm" spacing={4}>
        {sentences.map((sentence) => (
          <List.Item key={sentence} style={{ overflowWrap: 'anywhere' }}>
            <Sentence>{shortProblem(model, sentence)}</Sentence>
          </List.Item>
        ))}
      </List>
    </Alert>
  )
}

const TABS = ['tensors', 'linears', 'tokenizer', 'files'] as const

/** The tab is part of the address, so that back and a restart lead to it. */
function Parts({ id, inspection }: { readonly id: string; readonly inspection: Inspection }) {
  const [, navigate] = useLocation()
  const wanted = new URLSearchParams(useSearch()).get('tab')
  const tab = TABS.find((one) => one === wanted) ?? 'tensors'
  const { model, tensors, files } = inspection
  return (
    <Tabs
      value={tab}
      onChange={(next) => navigate(`${modelAddress(id)}?tab=${next}`, { replace: true })}
      keepMounted={false}
    >
      <Tabs.List mb="md">
        <Tabs.Tab value="tensors">Tensors</Tabs.Tab>
        <Tabs.Tab value="linears">Linears</Tabs.Tab>
        <Tabs.Tab value="tokenizer">Tokenizer and chat</Tabs.Tab>
        <Tabs.Tab value="files">Files</Tabs.Tab>
      </Tabs.List>
      <Tabs.Panel value="tensors">
        <TensorTree tensors={tensors} />
      </Tabs.Panel>
      <Tabs.Panel value="linears">
        {model === undefined ? (
          <Text c="dimmed">Which linears there are is known only for families that Quail supports.</Text>
        ) : (
          <LinearsTab model={model} />
        )}
      </Tabs.Panel>
      <Tabs.Panel value="tokenizer">
        <TokenizerTab inspection={inspection} />
      </Tabs.Panel>
      <Tabs.Panel value="files">
        <FileList files={files} />
      </Tabs.Panel>
    </Tabs>
  )
}
