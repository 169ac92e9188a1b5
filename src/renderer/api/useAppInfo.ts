import { useEffect, useState } from 'react'
import type { AppInfo } from '../../shared/desktopApi'
import { desktop } from './desktop'

/** Name and version of the app; undefined until the main process has answered. */
export function useAppInfo(): AppInfo | undefined {
  const [info, setInfo] = useState<AppInfo>()
  useEffect(() => {
    void desktop.appInfo().then(setInfo)
  }, [])
  return info
}
