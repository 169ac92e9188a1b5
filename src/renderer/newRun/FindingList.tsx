import { Button, Group, Stack, Text, ThemeIcon } from '@mantine/core'
import { IconAlertTriangle, IconCircleCheck, IconCircleX, IconInfoCircle } from '@tabler/icons-react'
import type { Finding, Severity } from '../../shared/findings'
import { Sentence } from '../components/Sentence'
import { plural } from '../format/numbers'

/** A finding with what its button does. */
export interface ListedFinding extends Omit<Finding, 'fix'> {
  readonly mend?: { readonly label: string; readonly action: () => void } | undefined
}

interface Props {
  readonly findings: readonly ListedFinding[]
  /** The findings are those of an earlier state: their buttons wait. */
  readonly stale: boolean
}

const LOOKS: Readonly<
  Record<Severity, { readonly color: string; readonly word: string; readonly icon: React.ReactNode }>
> = {
  error: { color: 'red', word: 'Error', icon: <IconCircleX size={16} aria-hidden /> },
  warning: { color: 'orange', word: 'Warning', icon: <IconAlertTriangle size={16} aria-hidden /> },
  info: { color: 'blue', word: 'Note', icon: <IconInfoCircle size={16} aria-hidden /> }
}

/** What speaks against the run as it is, the worst first, each with a button that mends it where one can. */
export function FindingList({ findings, stale }: Props) {
  if (findings.length === 0) {
    if (stale) return null
    return (
      <Group gap="xs" wrap="nowrap">
        <ThemeIcon variant="light" size="sm" radius="xl" aria-hidden>
          <IconCircleCheck size={14} />
        </ThemeIcon>
        <Text size="sm">Nothing speaks against it.</Text>
      </Group>
    )
  }
  return (
    <Stack
      gap="sm"
      component="ul"
      m={0}
      p={0}
      aria-label={stale ? 'Findings before the last change' : 'Findings'}
      style={{ listStyle: 'none', opacity: stale ? 0.55 : 1 }}
    >
      {findings.map(({ code, severity, message, mend }) => (
        <Group key={code + message} component="li" gap="xs" wrap="nowrap" align="flex-start" data-finding={code}>
          <ThemeIcon variant="light" color={LOOKS[severity].color} size="sm" radius="xl" mt={1} aria-hidden>
            {LOOKS[severity].icon}
          </ThemeIcon>
          <Stack gap={4} align="flex-start" style={{ minWidth: 0 }}>
            <Text size="sm" style={{ overflowWrap: 'anywhere' }}>
              <Text span inherit fw={600}>
                {LOOKS[severity].word}:
              </Text>{' '}
              <Sentence>{message}</Sentence>
            </Text>
            {mend && (
              <Button size="compact-xs" variant="default" disabled={stale} onClick={mend.action}>
                {mend.label}
              </Button>
            )}
          </Stack>
        </Group>
      ))}
    </Stack>
  )
}

/** `2 errors, 1 warning`. */
export function countFindings(findings: readonly ListedFinding[]): string {
  const count = (severity: Severity): number => findings.filter((finding) => finding.severity === severity).length
  const parts = [
    count('error') > 0 && plural(count('error'), 'error'),
    count('warning') > 0 && plural(count('warning'), 'warning'),
    count('info') > 0 && plural(count('info'), 'note')
  ]
  return parts.filter((part) => part !== false).join(', ')
}
