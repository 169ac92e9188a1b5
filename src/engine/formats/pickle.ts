import { badFormat } from '../../shared/errors'
import { MAX_PICKLE_MARKS, MAX_PICKLE_STACK, MAX_PICKLE_TEXT_BYTES, MAX_PICKLE_VALUES } from './limits'
import { describeOpcode } from './pickleOpcodes'
import { showJson } from './strictJson'

/*
 * A reader of the part of pickle protocol 2 that a dictionary of tensors needs. A pickle is a program for a small stack
 * machine, and two of its operations (GLOBAL, REDUCE) can import and call anything. Here no name is ever looked up: the
 * caller lists the names that may stand in the program, and says what data each of them means. Whatever else a program
 * holds ends the reading.
 *
 * Source of the operations: CPython 3.13, Lib/pickletools.py.
 */

/** A name of the pickled program, as `module.name`; only ever one of `PickleRules.globals`. */
export class PickleGlobal {
  constructor(readonly name: string) {}
}

/** A dict or OrderedDict, in the order of writing; a repeated key is kept. */
export class PickleDict {
  readonly entries: [PickleValue, PickleValue][] = []
}

/** What the caller makes of persistent ids and of calls. */
export abstract class PickledObject {}

export type PickleTuple = readonly PickleValue[]
export type PickleValue = null | boolean | number | string | PickleTuple | PickleDict | PickleGlobal | PickledObject

type Fail = (message: string) => never

/** What the names and the persistent ids of a program mean. */
export interface PickleRules {
  readonly globals: ReadonlySet<string>
  /** What a name would have to be, for messages. */
  readonly expected: string
  call(callable: string, args: PickleTuple, fail: Fail): PickleDict | PickledObject
  load(id: PickleTuple, fail: Fail): PickledObject
}

/**
 * Reads a pickle as data. No code is run.
 *
 * @param where - file and entry, for messages
 * @throws {AppError} BAD_FORMAT, naming the operation or name that is not accepted
 */
export function readPickle(bytes: Uint8Array, rules: PickleRules, where: string): PickleValue {
  return new PickleMachine(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), rules, where).run()
}

class PickleMachine {
  #position = 0
  #opcodeAt = 0
  #stack: PickleValue[] = []
  readonly #marks: number[] = []
  readonly #memo = new Map<number, PickleValue>()
  #kept = 0

  constructor(
    readonly bytes: Buffer,
    readonly rules: PickleRules,
    readonly where: string
  ) {}

  run(): PickleValue {
    for (;;) {
      this.#opcodeAt = this.#position
      const opcode = this.uint(1)
      if (opcode === STOP) return this.#result()
      const operate = OPERATIONS.get(opcode)
      if (operate === undefined) this.fail(`operation ${describeOpcode(opcode)} is not accepted in a file of tensors`)
      else operate(this)
    }
  }

  fail(message: string): never {
    throw badFormat(`${this.where}, byte ${this.#opcodeAt}: ${message}`)
  }

  #result(): PickleValue {
    const [value, ...rest] = this.#stack
    if (value === undefined || rest.length > 0 || this.#marks.length > 0) this.fail('the pickle stops in the middle')
    return value as PickleValue
  }

  take(count: number): Buffer {
    const end = this.#position + count
    if (end > this.bytes.length) this.fail('the pickle ends in the middle of an operation')
    const taken = this.bytes.subarray(this.#position, end)
    this.#position = end
    return taken
  }

  uint(width: number): number {
    return this.take(width).readUIntLE(0, width)
  }

  line(): string {
    const end = this.bytes.subarray(this.#position, this.#position + MAX_NAME_BYTES).indexOf(LINE_FEED)
    if (end < 0) this.fail(`a name is longer than ${MAX_NAME_BYTES} bytes, or not ended`)
    const text = this.take(end).toString('latin1')
    this.#position++
    return text
  }

  push(value: PickleValue): void {
    if (this.#stack.length >= MAX_PICKLE_STACK) this.fail(`the pickle stacks more than ${MAX_PICKLE_STACK} values`)
    this.#stack.push(value)
  }

  /** `push` for a value that takes memory of its own. */
  pushNew(value: PickleValue): void {
    this.#keep()
    this.push(value)
  }

  #keep(): void {
    if (++this.#kept > MAX_PICKLE_VALUES) this.fail(`the pickle makes more than ${MAX_PICKLE_VALUES} values`)
  }

  pop(): PickleValue {
    if (this.#stack.length <= (this.#marks.at(-1) ?? 0)) this.fail('the pickle takes a value where none is')
    return this.#stack.pop() as PickleValue
  }

  mark(): void {
    if (this.#marks.length >= MAX_PICKLE_MARKS) this.fail(`the pickle nests deeper than ${MAX_PICKLE_MARKS}`)
    this.#marks.push(this.#stack.length)
  }

  popToMark(): PickleValue[] {
    const mark = this.#marks.pop()
    return mark === undefined ? this.fail('the pickle ends a list that was not begun') : this.#stack.splice(mark)
  }

  popMany(count: number): PickleValue[] {
    const values = Array.from({ length: count }, () => this.pop())
    return values.reverse()
  }

  store(key: number): void {
    const value = this.pop()
    this.#keep()
    this.#memo.set(key, value)
    this.push(value)
  }

  recall(key: number): void {
    const value = this.#memo.get(key)
    if (value === undefined) this.fail(`value ${key} is used before it is stored`)
    this.push(value as PickleValue)
  }

  global(): void {
    const module = this.line()
    const name = `${module}.${this.line()}`
    if (!this.rules.globals.has(name)) {
      this.fail(`the file wants to use ${showJson(name)}; ${this.rules.expected}. Nothing of it was run`)
    }
    this.pushNew(new PickleGlobal(name))
  }

  reduce(): void {
    const args = this.pop()
    const callable = this.pop()
    if (!(callable instanceof PickleGlobal && Array.isArray(args))) this.fail('a call of something that is no function')
    else this.pushNew(this.rules.call(callable.name, args, (message) => this.fail(message)))
  }

  persistent(): void {
    const id = this.pop()
    if (!Array.isArray(id)) this.fail('a persistent id is no tuple')
    else this.pushNew(this.rules.load(id, (message) => this.fail(message)))
  }

  setItems(items: readonly PickleValue[]): void {
    const dict = this.pop()
    if (!(dict instanceof PickleDict)) throw this.fail('entries are put into something that is no dict')
    if (items.length % 2 !== 0) this.fail('a key has no value')
    for (let i = 0; i < items.length; i += 2) {
      this.#keep()
      dict.entries.push([items[i] as PickleValue, items[i + 1] as PickleValue])
    }
    this.push(dict)
  }

  /** Attributes of an OrderedDict: those of a state_dict name the versions of its modules and are dropped. */
  build(): void {
    const state = this.pop()
    const target = this.pop()
    if (!(target instanceof PickleDict && state instanceof PickleDict)) this.fail('attributes are set on no dict')
    this.push(target)
  }
}

const STOP = 0x2e
const LINE_FEED = 0x0a
/** Names of modules and functions; those that are accepted have up to 30 characters. */
const MAX_NAME_BYTES = 256
/** 2⁵³ takes seven bytes, and one more for the sign. */
const MAX_LONG_BYTES = 8

const OPERATIONS: ReadonlyMap<number, (machine: PickleMachine) => void> = new Map([
  [0x80, checkProtocol],
  [0x28, (m) => m.mark()],
  [0x4e, (m) => m.push(null)],
  [0x88, (m) => m.push(true)],
  [0x89, (m) => m.push(false)],
  [0x4a, (m) => m.push(m.take(4).readInt32LE())],
  [0x4b, (m) => m.push(m.uint(1))],
  [0x4d, (m) => m.push(m.uint(2))],
  [0x8a, pushLong],
  [0x58, pushText],
  [0x29, (m) => m.pushNew([])],
  [0x85, (m) => m.pushNew(m.popMany(1))],
  [0x86, (m) => m.pushNew(m.popMany(2))],
  [0x87, (m) => m.pushNew(m.popMany(3))],
  [0x74, (m) => m.pushNew(m.popToMark())],
  [0x7d, (m) => m.pushNew(new PickleDict())],
  [0x73, (m) => m.setItems(m.popMany(2))],
  [0x75, (m) => m.setItems(m.popToMark())],
  [0x71, (m) => m.store(m.uint(1))],
  [0x72, (m) => m.store(m.uint(4))],
  [0x68, (m) => m.recall(m.uint(1))],
  [0x6a, (m) => m.recall(m.uint(4))],
  [0x63, (m) => m.global()],
  [0x51, (m) => m.persistent()],
  [0x52, (m) => m.reduce()],
  [0x62, (m) => m.build()]
])

function checkProtocol(machine: PickleMachine): void {
  const protocol = machine.uint(1)
  if (protocol !== 2) machine.fail(`pickle protocol ${protocol}; 2, which torch.save uses by itself, was expected`)
}

function pushText(machine: PickleMachine): void {
  const length = machine.uint(4)
  if (length > MAX_PICKLE_TEXT_BYTES) {
    machine.fail(`a text of ${length} bytes; at most ${MAX_PICKLE_TEXT_BYTES} are read`)
  }
  machine.pushNew(machine.take(length).toString('utf8'))
}

function pushLong(machine: PickleMachine): void {
  const length = machine.uint(1)
  if (length > MAX_LONG_BYTES) machine.fail(`a number of ${length} bytes; at most ${MAX_LONG_BYTES} are read`)
  let value = 0n
  machine.take(length).forEach((byte, i) => {
    value |= BigInt(byte) << BigInt(8 * i)
  })
  const number = Number(BigInt.asIntN(8 * length, value))
  if (!Number.isSafeInteger(number)) machine.fail(`the number ${number} is too large`)
  machine.push(number)
}
