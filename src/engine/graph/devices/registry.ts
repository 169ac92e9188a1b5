import type { ProviderName } from '../../../shared/devices'
import { coreml } from './coreml'
import { cpu } from './cpu'
import { cuda } from './cuda'
import type { Device } from './device'
import { dml } from './dml'
import { webgpu } from './webgpu'

const DEVICES: Readonly<Record<ProviderName, Device>> = { cpu, webgpu, cuda, dml, coreml }

export const deviceOf = (name: ProviderName): Device => DEVICES[name]
