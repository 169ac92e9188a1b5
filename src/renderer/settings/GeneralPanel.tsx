import { ActionIcon, Button, Group, NumberInput, SegmentedControl, Stack, Text, Title, Tooltip } from '@mantine/core'
import { IconFolderPlus, IconTrash } from '@tabler/icons-react'
import { useState } from 'react'
import type { SettingsView } from '../../shared/contract/settings'
import type { Theme } from '../../shared/settings'
import { call } from '../api/desktop'
import { useAction, useCall } from '../api/hooks'
import { notifyError } from '../components/notify'
import { PathText } from '../components/PathText'
import { QueryView } from '../components/QueryView'
import { formatBytes } from '../format/numbers'

const GIB = 2 ** 30

/** Theme, threads, memory, and where models are looked for. */
export function GeneralPanel() {
  const settings = useCall('settings.get', {})
  return (
    <QueryView query={settings} failure="The settings could not be read">
      {(view) => (
        <Stack gap="xl" maw={640}>
          <Appearance view={view} />
          <Computing view={view} />
          <ModelFolders view={view} />
        </Stack>
      )}
    </QueryView>
  )
}

interface Props {
  readonly view: SettingsView
}

function useChange() {
  const { mutate } = useAction('settings.change')
  return (changes: Parameters<typeof mutate>[0]): void =>
    mutate(changes, { onError: (error) => notifyError('The setting was not kept', error) })
}

function Appearance({ view: { preferences } }: Props) {
  const change = useChange()
  return (
    <section aria-labelledby="appearance">
      <Title order={2} size="h4" id="appearance" mb="xs">
        Appearance
      </Title>
      <SegmentedControl
        aria-label="Theme"
        data={[
          { value: 'system', label: 'As the system' },
          { value: 'light', label: 'Light' },
          { value: 'dark', label: 'Dark' }
        ]}
        value={preferences.theme}
        onChange={(theme) => change({ theme: theme as Theme })}
      />
    </section>
  )
}

function Computing({ view }: Props) {
  const { preferences, cores, memoryBytes, threadsGiven } = view
  const change = useChange()
  const [threads, setThreads] = useState<number | string>(preferences.threads ?? '')
  const [budget, setBudget] = useState<number | string>(preferences.memoryBudget / GIB)
  const keepThreads = (): void => {
    const wanted = typeof threads === 'number' && threads >= 1 ? Math.round(threads) : null
    if (wanted !== preferences.threads) change({ threads: wanted })
  }
  const keepBudget = (): void => {
    const bytes = typeof budget === 'number' ? Math.round(budget * GIB) : preferences.memoryBudget
    setBudget(bytes / GIB)
    if (bytes !== preferences.memoryBudget) change({ memoryBudget: bytes })
  }
  return (
    <section aria-labelledby="computing">
      <Title order={2} size="h4" id="computing" mb="xs">
        Computing
      </Title>
      <Stack gap="md">
        <NumberInput
          label="Threads"
          description={
            threadsGiven === null
              ? `Fewer leave room for other work, more than ${cores} do not help. Empty: one for each of the ${cores} cores.`
              : `QUAIL_THREADS is set to ${threadsGiven} where Quail was started, and decides.`
          }
          placeholder={String(threadsGiven ?? cores)}
          min={1}
          max={1024}
          allowDecimal={false}
          clampBehavior="blur"
          value={threadsGiven ?? threads}
          disabled={threadsGiven !== null}
          onChange={setThreads}
          onBlur={keepThreads}
          onKeyDown={(event) => event.key === 'Enter' && keepThreads()}
          maw={420}
        />
        <NumberInput
          label="Memory for hidden states"
          description={`A new run keeps so much in memory and the rest on disk. This machine has ${formatBytes(memoryBytes)}.`}
          suffix=" GiB"
          min={0.0625}
          max={1024}
          step={0.5}
          decimalScale={4}
          clampBehavior="blur"
          value={budget}
          onChange={setBudget}
          onBlur={keepBudget}
          onKeyDown={(event) => event.key === 'Enter' && keepBudget()}
          maw={420}
        />
        <MomentsLimit view={view} />
      </Stack>
    </section>
  )
}

function MomentsLimit({ view: { preferences } }: Props) {
  const change = useChange()
  const [moments, setMoments] = useState<number | string>(preferences.momentsLimit / GIB)
  const keepMoments = (): void => {
    const bytes = typeof moments === 'number' ? Math.round(moments * GIB) : preferences.momentsLimit
    setMoments(bytes / GIB)
    if (bytes !== preferences.momentsLimit) change({ momentsLimit: bytes })
  }
  return (
    <NumberInput
      label="Second moments for later runs"
      description="So much is kept on disk. A later run of the same model and calibration rows then need not calibrate, and gives the same bytes. 0 keeps none; Storage shows and removes them."
      suffix=" GiB"
      min={0}
      max={1_048_576}
      step={5}
      decimalScale={4}
      clampBehavior="blur"
      value={moments}
      onChange={setMoments}
      onBlur={keepMoments}
      onKeyDown={(event) => event.key === 'Enter' && keepMoments()}
      maw={420}
    />
  )
}

function ModelFolders({ view: { preferences } }: Props) {
  const change = useChange()
  const { modelFolders } = preferences
  const add = async (): Promise<void> => {
    const [folder] = await call('app.pick', { kind: 'models' })
    if (folder !== undefined && !modelFolders.includes(folder)) change({ modelFolders: [...modelFolders, folder] })
  }
  return (
    <section aria-labelledby="model-folders">
      <Title order={2} size="h4" id="model-folders">
        Model folders
      </Title>
      <Text size="sm" c="dimmed" mb="sm">
        Searched for checkpoints, beside the Hugging Face cache. Nothing in them is ever written.
      </Text>
      <Stack gap="xs" align="flex-start">
        {modelFolders.map((folder) => (
          <Group key={folder} gap="xs" wrap="nowrap">
            <PathText path={folder} length={56} />
            <Tooltip label="Do not search it any more">
              <ActionIcon
                variant="subtle"
                color="gray"
                aria-label={`Do not search ${folder} any more`}
                onClick={() => change({ modelFolders: modelFolders.filter((one) => one !== folder) })}
              >
                <IconTrash size={16} aria-hidden />
              </ActionIcon>
            </Tooltip>
          </Group>
        ))}
        <Button
          variant="default"
          size="xs"
          leftSection={<IconFolderPlus size={14} aria-hidden />}
          onClick={() => void add()}
        >
          Add folder…
        </Button>
      </Stack>
    </section>
  )
}
