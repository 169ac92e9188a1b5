import { Button, Modal, Stack, Text } from '@mantine/core'
import { IconPackageImport } from '@tabler/icons-react'
import { useEffect, useState } from 'react'
import { useLocation, useSearchParams } from 'wouter'
import { call } from '../api/desktop'
import { useTask } from '../api/hooks'
import { ErrorCard } from '../components/ErrorCard'
import { notifyDone } from '../components/notify'
import { PathText } from '../components/PathText'
import { CallProgressBar } from '../components/ProgressBar'
import { runAddress } from '../runs/runAddress'

/** Takes over a run from another machine: a file that is chosen, or one that was dropped (`/?bundle=FILE`). */
export function ImportBundleButton() {
  const [parameters] = useSearchParams()
  const [, navigate] = useLocation()
  const [file, setFile] = useState<string | null>(null)
  const { run, running, cancel, progress, error } = useTask('exports.importBundle')
  const dropped = parameters.get('bundle')

  useEffect(() => {
    if (dropped === null) return
    setFile(dropped)
    navigate('/', { replace: true })
  }, [dropped, navigate])

  useEffect(() => {
    if (file === null) return
    void run({ file }).then((imported) => {
      if (imported === undefined) return
      setFile(null)
      const { run: id, originalRun } = imported
      notifyDone(
        id === originalRun ? `Imported ${id}` : `Imported ${originalRun} as ${id}, because its id is taken here`
      )
      navigate(runAddress(id))
    })
  }, [file, run, navigate])

  const choose = async (): Promise<void> => {
    const [chosen] = await call('app.pick', { kind: 'bundle' })
    if (chosen !== undefined) setFile(chosen)
  }
  const close = (): void => {
    cancel()
    setFile(null)
  }
  return (
    <>
      <Button variant="default" leftSection={<IconPackageImport size={16} aria-hidden />} onClick={() => void choose()}>
        Import bundle…
      </Button>
      <Modal opened={file !== null && (running || error !== null)} onClose={close} title="Import a run bundle">
        <Stack gap="sm">
          {file !== null && <PathText path={file} actions={false} length={56} />}
          {error === null ? (
            <CallProgressBar progress={progress} label="Reading the bundle" onCancel={close} />
          ) : (
            <>
              <ErrorCard title="The bundle was not imported" error={error} />
              <Text size="sm" c="dimmed">
                Nothing was written.
              </Text>
            </>
          )}
        </Stack>
      </Modal>
    </>
  )
}
