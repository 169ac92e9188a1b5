import { Tooltip } from '@mantine/core'
import type { ReactNode } from 'react'
import { meaningOf, type TermName } from './glossary'
import classes from './Term.module.css'

interface Props {
  readonly name: TermName
  readonly children: ReactNode
}

/** A word of a heading or label, with what it means on hover or focus. */
export function Term({ name, children }: Props) {
  return (
    <Tooltip
      label={meaningOf(name)}
      multiline
      maw={360}
      openDelay={300}
      events={{ hover: true, focus: true, touch: true }}
    >
      <span className={classes.term}>{children}</span>
    </Tooltip>
  )
}
