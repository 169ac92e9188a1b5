import { Tooltip } from '@mantine/core'
import type { ReactElement, ReactNode } from 'react'
import { meaningOf, type TermName } from './glossary'
import classes from './Term.module.css'

/** Class of words that are explained. */
export const explained = classes.term

interface MeaningProps {
  readonly name: TermName
  /** One element that takes a ref: what is pointed at, or reached by keyboard. */
  readonly children: ReactElement
}

/** What a word means, beside something that is about it, on hover or focus. */
export function Meaning({ name, children }: MeaningProps) {
  return (
    <Tooltip
      label={meaningOf(name)}
      multiline
      maw={360}
      openDelay={300}
      events={{ hover: true, focus: true, touch: true }}
    >
      {children}
    </Tooltip>
  )
}

interface Props {
  readonly name: TermName
  /** The keyboard reaches the word itself; not for labels of fields and words in buttons, which it reaches anyhow. */
  readonly focusable?: boolean
  readonly children: ReactNode
}

/** A word of a heading or label, with what it means on hover or focus. */
export function Term({ name, focusable = false, children }: Props) {
  return (
    <Meaning name={name}>
      <span className={explained} {...(focusable && { tabIndex: 0 })}>
        {children}
      </span>
    </Meaning>
  )
}
