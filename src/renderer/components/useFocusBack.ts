import { useEffect, useState } from 'react'
import { openerOf } from './opener'

/**
 * Gives the focus back to where it was, for a dialog that is there only while it is open: who closes it by keyboard goes on
 * from the button that opened it, and not from the top of the page.
 */
export function useFocusBack(): void {
  const [opener] = useState(openerOf)
  useEffect(
    () => () => {
      // Once the dialog is gone, and unless what was done in it leads elsewhere.
      setTimeout(() => {
        if (document.activeElement === document.body && opener?.isConnected) opener.focus({ preventScroll: true })
      })
    },
    [opener]
  )
}
