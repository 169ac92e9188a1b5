import { ActionIcon, Button, Tooltip } from '@mantine/core'
import { IconCheck, IconCopy } from '@tabler/icons-react'
import { useEffect, useState } from 'react'
import { call } from '../api/desktop'
import { notifyError } from './notify'

interface Props {
  readonly value: string | (() => string)
  /** What is copied: "Copy path". */
  readonly label: string
  readonly compact?: boolean
}

/** Copies a text to the clipboard and says so. */
export function CopyButton({ value, label, compact = false }: Props) {
  const [copied, setCopied] = useState(false)
  useEffect(() => {
    if (!copied) return
    const timer = setTimeout(() => setCopied(false), 1500)
    return () => clearTimeout(timer)
  }, [copied])
  const copy = (): void => {
    call('app.copy', { text: typeof value === 'string' ? value : value() }).then(
      () => setCopied(true),
      (error: unknown) => notifyError('Nothing was copied', error)
    )
  }
  const icon = copied ? <IconCheck size={14} aria-hidden /> : <IconCopy size={14} aria-hidden />
  if (compact) {
    return (
      <Tooltip label={copied ? 'Copied' : label}>
        <ActionIcon variant="subtle" color="gray" size="sm" aria-label={label} onClick={copy}>
          {icon}
        </ActionIcon>
      </Tooltip>
    )
  }
  return (
    <Button size="xs" variant="default" leftSection={icon} onClick={copy}>
      {copied ? 'Copied' : label}
    </Button>
  )
}
