import { z } from 'zod'
import { call } from './call'

/* Calls that the main process answers itself: dialogs, the desktop, the window. */

export interface AppInfo {
  readonly name: string
  readonly version: string
  readonly platform: string
  readonly versions: { readonly electron: string; readonly chrome: string; readonly node: string }
}

/** What a file or folder is chosen for; decides the dialog's title and filters. */
export const PickKind = z.enum(['model', 'texts', 'recipe', 'bundle', 'folder'])
export type PickKind = z.infer<typeof PickKind>

const LARGE = 32 * 2 ** 20

export const appCalls = {
  'app.info': call<AppInfo>()(z.strictObject({})),
  /** Opens the system's dialog; answers with the chosen paths, none when it was dismissed. Chosen paths are granted. */
  'app.pick': call<string[]>()(z.strictObject({ kind: PickKind, multiple: z.boolean().default(false) })),
  /** Asks where something that is written later shall go; null when dismissed. The path is granted. */
  'app.pickTarget': call<string | null>()(z.strictObject({ title: z.string().max(200), name: z.string().max(255) })),
  /** Asks where a text or picture shall be saved and writes it; answers with the path, null when dismissed. */
  'app.save': call<string | null>()(
    z.strictObject({
      name: z.string().min(1).max(255),
      content: z.string(),
      encoding: z.enum(['utf8', 'base64']).default('utf8')
    }),
    { maxInput: LARGE }
  ),
  /** Shows a file or folder in the system's file manager. */
  'app.reveal': call<void>()(z.strictObject({ path: z.string().min(1) }), { paths: ({ path }) => [path] }),
  /** Starts the engine process anew: after it died too often, or when what kept the database closed is mended. */
  'app.restartEngine': call<void>()(z.strictObject({})),
  /** Ends the app as its menu does: while a run works, the person is asked first. */
  'app.quit': call<void>()(z.strictObject({})),
  'app.copy': call<void>()(z.strictObject({ text: z.string() }), { maxInput: LARGE }),
  'app.setTheme': call<void>()(z.strictObject({ theme: z.enum(['system', 'light', 'dark']) }))
} as const
