import { z } from 'zod'
import { call } from './call'
import { forPurpose } from './purposes'

/* Calls that the main process answers itself: dialogs, the desktop, the window. */

export interface AppInfo {
  readonly name: string
  readonly version: string
  readonly platform: string
  readonly versions: { readonly electron: string; readonly chrome: string; readonly node: string }
  /** What is wrong with the Electron that it runs on, as a sentence; null: it is the one that it is made for. */
  readonly runtimeProblem: string | null
}

/** What a file or folder is chosen for; decides the dialog's title and filters, and for what it is granted. */
export const PickKind = z.enum(['model', 'models', 'texts', 'recipe', 'bundle', 'folder'])
export type PickKind = z.infer<typeof PickKind>

/** What is written to a place that is chosen. */
export const TargetKind = z.enum(['recipe', 'bundle', 'base'])
export type TargetKind = z.infer<typeof TargetKind>

/** More than this in one question nobody reads. */
export const MAX_ASKED = 20

const LARGE = 32 * 2 ** 20

export const appCalls = {
  'app.info': call<AppInfo>()(z.strictObject({})),
  /** Opens the system's dialog; answers with the chosen paths, none when it was dismissed. Chosen paths are granted. */
  'app.pick': call<string[]>()(z.strictObject({ kind: PickKind, multiple: z.boolean().default(false) })),
  /** Asks where something that is written later shall go; null when dismissed. The path is granted for that. */
  'app.pickTarget': call<string | null>()(z.strictObject({ kind: TargetKind, name: z.string().max(255) })),
  /**
   * Whether what a recipe names may be read: the person is asked, by name, for what was not granted before. False when they
   * do not want it.
   */
  'app.allow': call<boolean>()(
    z.strictObject({
      named: z
        .array(z.strictObject({ path: z.string().min(1).max(4096), purpose: z.enum(['readModel', 'readText']) }))
        .max(1000)
    })
  ),
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
  'app.reveal': call<void>()(z.strictObject({ path: z.string().min(1) }), {
    paths: ({ path }) => forPurpose('reveal', [path])
  }),
  /** Starts the engine process anew: after it died too often, or when what kept the database closed is mended. */
  'app.restartEngine': call<void>()(z.strictObject({})),
  /** Ends the app as its menu does: while a run works, the person is asked first. */
  'app.quit': call<void>()(z.strictObject({})),
  'app.copy': call<void>()(z.strictObject({ text: z.string() }), { maxInput: LARGE }),
  'app.setTheme': call<void>()(z.strictObject({ theme: z.enum(['system', 'light', 'dark']) }))
} as const
