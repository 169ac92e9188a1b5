import { Box } from '@mantine/core'
import { type DragEvent, type ReactNode, useState } from 'react'
import { droppedPaths } from '../api/desktop'

interface Props {
  /** What may be dropped here, shown while something hovers. */
  readonly label: string
  readonly onDrop: (paths: readonly string[]) => void
  /** Which files belong here, by name; anything else goes where the window takes it. Default: all but recipes. */
  readonly accepts?: (name: string) => boolean
  readonly children: ReactNode
}

const RECIPE = /\.(ya?ml|quail)$/i

/** A part of the form that takes files and folders itself; recipes go to the form as a whole. */
export function DropTarget({ label, onDrop, accepts = (name) => !RECIPE.test(name), children }: Props) {
  const [hovering, setHovering] = useState(false)
  const hover = (event: DragEvent): void => {
    if (!event.dataTransfer.types.includes('Files')) return
    event.preventDefault()
    setHovering(true)
  }
  const drop = (event: DragEvent): void => {
    setHovering(false)
    const files = [...event.dataTransfer.files]
    if (files.length === 0 || !files.every(({ name }) => accepts(name))) return
    event.preventDefault() // tells the window that this drop is taken
    void droppedPaths(event.nativeEvent.dataTransfer as DataTransfer).then(onDrop)
  }
  return (
    <Box
      onDragOver={hover}
      onDragLeave={() => setHovering(false)}
      onDrop={drop}
      style={{
        borderRadius: 'var(--mantine-radius-sm)',
        outline: hovering ? '2px dashed var(--mantine-primary-color-filled)' : undefined,
        outlineOffset: 6
      }}
      title={hovering ? label : undefined}
    >
      {children}
    </Box>
  )
}
