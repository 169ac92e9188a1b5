import { Button, Card, Text, Title } from '@mantine/core'
import { IconReport } from '@tabler/icons-react'
import { call } from '../api/desktop'
import { useAction } from '../api/hooks'
import { notifyDone, notifyError } from '../components/notify'

/** The proof as one HTML file, for people without Quail. */
export function ReportCard({ run }: { readonly run: string }) {
  const report = useAction('compare.report')
  const save = async (): Promise<void> => {
    try {
      const { name, html } = await report.mutateAsync({ rows: [run] })
      const path = await call('app.save', { name, content: html })
      if (path !== null) notifyDone(`Saved as ${path}`)
    } catch (error) {
      notifyError('The report was not saved', error)
    }
  }
  return (
    <Card withBorder>
      <Title order={2} size="h4">
        Show the proof
      </Title>
      <Text size="sm" c="dimmed" mb="sm">
        Every variant of this run side by side, in one HTML file that opens without Quail and without a network.
      </Text>
      <Button
        variant="default"
        leftSection={<IconReport size={16} aria-hidden />}
        loading={report.isPending}
        onClick={() => void save()}
        style={{ alignSelf: 'flex-start' }}
      >
        Save report…
      </Button>
    </Card>
  )
}
