import { useEffect, useState } from 'react'
import { droppedPaths } from '../api/desktop'

const carriesFiles = ({ dataTransfer }: DragEvent): boolean => dataTransfer?.types.includes('Files') ?? false

/**
 * Takes files and folders dropped anywhere on the window. A part of a page that takes drops itself calls
 * `preventDefault` on its drop event.
 *
 * @returns whether files hover over the window now
 */
export function useFileDrop(onDrop: (paths: string[]) => void): boolean {
  const [hovering, setHovering] = useState(false)
  useEffect(() => {
    const over = (event: DragEvent): void => {
      if (!carriesFiles(event)) return
      event.preventDefault()
      setHovering(true)
    }
    const leave = (event: DragEvent): void => {
      if (event.relatedTarget === null) setHovering(false)
    }
    const drop = (event: DragEvent): void => {
      setHovering(false)
      if (!carriesFiles(event) || event.dataTransfer === null) return
      const taken = event.defaultPrevented
      event.preventDefault()
      if (!taken) void droppedPaths(event.dataTransfer).then((paths) => paths.length > 0 && onDrop(paths))
    }
    window.addEventListener('dragover', over)
    window.addEventListener('dragleave', leave)
    window.addEventListener('drop', drop)
    return () => {
      window.removeEventListener('dragover', over)
      window.removeEventListener('dragleave', leave)
      window.removeEventListener('drop', drop)
    }
  }, [onDrop])
  return hovering
}
