import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { FormatError } from "../../../server/src/formats/modelFile";
import { Op } from "../../../server/src/formats/pickle/pickleOpcodes";
import { plainData } from "../../../server/src/formats/pickle/plainData";
import { PickleObject } from "../../../server/src/formats/pickle/pickleValues";
import { unpickle } from "../../../server/src/formats/pickle/unpickler";
import { collectTensors, WalkAllowance } from "../../../server/src/formats/torch/namedTensors";
import { readCheckpoint } from "../../../server/src/formats/torch/stateDictRoot";
import { TorchInterpreter, TorchStorage, TorchTensor } from "../../../server/src/formats/torch/torchTensors";

const load = (...bytes: (number | string | Uint8Array)[]): unknown =>
  unpickle(Buffer.concat(bytes.map((b) => (typeof b === "number" ? Buffer.from([b]) : Buffer.from(b as string, "latin1")))), "test.pkl").value;
const uint32 = (value: number): Uint8Array => new Uint8Array(Uint32Array.of(value).buffer);
const int32 = (value: number): Uint8Array => new Uint8Array(Int32Array.of(value).buffer);

describe("unpickle", () => {
  it.each([0, 1, 2, 3, 4, 5])("reads what Python writes in protocol %i", (protocol) => {
    const bytes = readFileSync(join(__dirname, `../../fixtures/torch/plain${protocol}.pkl`));
    const { value, end } = unpickle(bytes, "plain");
    expect(end).toBe(bytes.length);
    expect(value).toBeInstanceOf(Map);
    const map = value as Map<string, unknown>;
    expect(map.get("int")).toEqual([0, -1, 255, 256, 65536, -(2 ** 31), 2n ** 53n, -(2n ** 53n) - 1n, 2n ** 70n, -(2n ** 100n)]);
    expect(map.get("float")).toEqual([0.5, -1e300, Infinity]);
    expect(map.get("text")).toEqual(["", "é\n'\"\\", "a".repeat(300)]);
    expect(map.get("none")).toBeNull();
    expect(map.get("flags")).toEqual([true, false]);
    expect(plainData(map.get("tuple"))).toEqual([[], [1], [1, 2], [1, 2, 3], [1, 2, 3, 4]]);
    expect(map.get("ordered")).toEqual(new Map([["a", 1], ["b", 2]]));
    expect(map.get("many")).toEqual(Array.from({ length: 2000 }, (_, i) => i));
    // Protocol 0 to 2 write no bytes b"" as such, but a call of bytes().
    const [, bytesOf200] = map.get("bytes") as Uint8Array[];
    expect([...bytesOf200!]).toEqual(new Array(200).fill([0, 255]).flat());
    expect(map.get("set")).toEqual([new Set([1]), new Set([2])]);
  });

  it("keeps the sign of LONG1 and the width of LONG4", () => {
    expect(load(Op.LONG1, 1, 0xff, Op.STOP)).toBe(-1);
    expect(load(Op.LONG1, 0, Op.STOP)).toBe(0);
    expect(load(Op.LONG4, int32(9), "\0".repeat(8), 1, Op.STOP)).toBe(2n ** 64n);
  });

  it("records calls and makes none", () => {
    const object = load(Op.GLOBAL, "os\nsystem\n", Op.MARK, Op.STRING, "'touch x'\n", Op.TUPLE, Op.REDUCE, Op.STOP) as PickleObject;
    expect(object).toBeInstanceOf(PickleObject);
    expect(object.path).toBe("os.system");
    expect(object.args).toEqual(["touch x"]);
    const keyed = load(Op.EMPTY_DICT, Op.STRING, "'__proto__'\n", Op.EMPTY_DICT, Op.STRING, "'x'\n", Op.NEWTRUE, Op.SETITEM, Op.SETITEM, Op.STOP);
    expect(keyed).toBeInstanceOf(Map);
    expect(({} as Record<string, unknown>)["x"]).toBeUndefined();
  });

  const killers: [string, (number | string | Uint8Array)[]][] = [
    ["six bytes: a negative string length", [Op.BINSTRING, int32(-5), Op.STOP]],
    ["a negative LONG4", [Op.LONG4, int32(-1), Op.STOP]],
    ["a bytes length past the end", [Op.BINBYTES, uint32(0xfffffffb), Op.STOP]],
    ["a 64-bit length", [Op.BINUNICODE8, "\xff".repeat(8), Op.STOP]],
    ["nothing", []],
    ["no STOP", [Op.NONE]],
    ["an empty stack", [Op.STOP]],
    ["REDUCE on an empty stack", [Op.REDUCE]],
    ["POP through a mark that is not there", [Op.POP]],
    ["a value below the mark", [Op.NONE, Op.MARK, Op.DUP]],
    ["an unknown memo", [Op.BINGET, 7, Op.STOP]],
    ["a memo index that is text", [Op.NONE, Op.PUT, "x\n"]],
    ["a missing mark", [Op.TUPLE]],
    ["an odd dict", [Op.MARK, Op.NONE, Op.DICT]],
    ["an append to a dict", [Op.EMPTY_DICT, Op.NONE, Op.APPEND]],
    ["an item of a list", [Op.EMPTY_LIST, Op.NONE, Op.NONE, Op.SETITEM]],
    ["protocol 200", [Op.PROTO, 200]],
    ["an unknown opcode", [0xff]],
    ["an extension code", [0x82, 1]],
    ["a persistent id in a plain pickle", [Op.NONE, Op.BINPERSID]],
    ["a global that is no text", [Op.NONE, Op.NONE, Op.STACK_GLOBAL]],
    ["an integer of 10,000 digits", [Op.LONG, `${"9".repeat(10_000)}L\n`]],
    ["a line without end", [Op.GLOBAL, "x".repeat(200_000)]],
    ["a bad number", [Op.FLOAT, "1e\n"]],
    ["an unquoted string", [Op.STRING, "abc\n"]],
  ];
  it.each(killers)("refuses %s", (_title, bytes) => {
    expect(() => load(...bytes)).toThrow(FormatError);
    expect(() => load(...bytes)).toThrow(/^test\.pkl.*\.$/);
  });

  it("stops at its memory budget however small the pickle is", () => {
    // OrderedDict copies its argument: a thousand pairs, copied again and again.
    const pair = [Op.NONE, Op.NONE, Op.TUPLE2];
    const list = Uint8Array.from([Op.EMPTY_LIST, Op.MARK, ...new Array<number[]>(1000).fill(pair).flat(), Op.APPENDS, Op.BINPUT, 0]);
    const cls = Buffer.from("ccollections\nOrderedDict\n", "latin1");
    const copies = Array.from({ length: 10_000 }, () => [cls, Uint8Array.of(Op.BINGET, 0, Op.TUPLE1, Op.REDUCE)]).flat();
    const bytes = Buffer.concat([list, ...copies, Uint8Array.of(Op.STOP)]);
    expect(() => unpickle(bytes, "bomb")).toThrow("memory limit");
    const budget = 2 ** 24;
    expect(() => unpickle(Buffer.alloc(1_000_000, Op.EMPTY_TUPLE), "tuples", {}, 0, budget)).toThrow("memory limit");
    expect(() => unpickle(Buffer.alloc(1_000_000, Op.MARK), "marks", {}, 0, budget)).toThrow("memory limit");
  });
});

describe("what walks unpickled values ends", () => {
  /** A list of two references to a list of two references to ..., 60 times: 2^60 paths. */
  const bomb = (): unknown => {
    let value: unknown = [1];
    for (let i = 0; i < 60; i++) value = [value, value];
    return value;
  };
  const deep = (): unknown => {
    let value: unknown = [];
    for (let i = 0; i < 100_000; i++) value = [value];
    return value;
  };

  it("when paths multiply or never end", () => {
    expect(() => collectTensors(bomb(), new WalkAllowance("bomb.pt"))).toThrow("deeper or wider");
    expect(() => collectTensors(deep(), new WalkAllowance("deep.pt"))).toThrow("deeper or wider");
    const cycle = new Map<string, unknown>();
    cycle.set("self", cycle);
    expect(collectTensors(cycle, new WalkAllowance("cycle.pt")).tensors.size).toBe(0);
  });

  it("and plain data stay small", () => {
    for (const value of [bomb(), deep()]) expect(JSON.stringify(plainData(value)).length).toBeLessThan(1_000_000);
    const cycle: unknown[] = [];
    cycle.push(cycle);
    expect(plainData(cycle)).toEqual(["..."]);
    const texts = new Array(100_000).fill("x".repeat(19_000));
    expect(JSON.stringify(plainData(texts)).length).toBeLessThan(10_000_000);
  });

  /** A checkpoint of so many keys that all refer to one value. */
  const shared = (keys: number, value: unknown): Map<unknown, unknown> => new Map(Array.from({ length: keys }, (_, i) => [`key${i}`, value]));
  const tensor = (): TorchTensor => new TorchTensor(new TorchStorage("float32", "0", 1), "float32", [1], [1], 0, null, true);
  const module = (state: Map<unknown, unknown>): PickleObject => Object.assign(new PickleObject(null, []), { state });

  it.each<[string, () => unknown]>([
    ["numbers", () => Array.from({ length: 100_000 }, (_, i) => i)],
    ["tensors in a dict", () => new Map(Array.from({ length: 100_000 }, (_, i) => [i, tensor()]))],
    ["dicts", () => Array.from({ length: 100_000 }, () => new Map())],
  ])("when ten thousand keys of a checkpoint share one list of a hundred thousand %s", (_title, value) => {
    expect(() => readCheckpoint(shared(10_000, value()), "shared.pt")).toThrow(FormatError);
    expect(() => readCheckpoint(shared(10_000, value()), "shared.pt")).toThrow("deeper or wider");
  });

  it("and the names of tensors in shared dicts stay within what a reader may take", () => {
    const long = new Map(Array.from({ length: 1000 }, (_, i) => [`${"x".repeat(1000)}${i}`, [tensor()]]));
    expect(() => readCheckpoint(new Map([["model", shared(10_000, long)]]), "names.pt")).toThrow("deeper or wider");
  });

  it("and metadata of many keys take no more room than those of one", () => {
    const list = Array.from({ length: 20_000 }, (_, i) => i);
    const { metadata } = readCheckpoint(shared(1000, list), "facts.pt");
    expect(JSON.stringify([...metadata]).length).toBeLessThan(1_000_000);
    const big = 2n ** 30_000n;
    expect(JSON.stringify(plainData(new Array(100_000).fill(big))).length).toBeLessThan(10_000_000);
    const set = new Set(list);
    expect(JSON.stringify(plainData(new Array(50_000).fill(set))).length).toBeLessThan(1_000_000);
  });

  it("and a module at many places is described as far as plain data go", () => {
    const state = new Map<unknown, unknown>([["_modules", new Map()], ["_parameters", new Map([["weight", tensor()]])]]);
    for (let i = 0; i < 10_000; i++) state.set(`field${i}`, i);
    const { metadata, tensors } = readCheckpoint(shared(10_000, module(state)), "modules.pt");
    expect(tensors.size).toBe(10_000);
    expect(JSON.stringify([...metadata]).length).toBeLessThan(2_000_000);
  });

  it("and what stands for a storage's name is never made a text of", () => {
    const storage = load("ctorch\nFloatStorage\n", Op.STOP);
    for (const key of [bomb(), deep(), 7n, null]) {
      expect(() => new TorchInterpreter("x.pt", true).persistent(["storage", storage, key, "cpu", 1])).toThrow("a storage without a name");
    }
    const checkpoint = new Map<unknown, unknown>([["model", new Map([["w", tensor()]])], [bomb(), [tensor()]]]);
    expect(readCheckpoint(checkpoint, "x.pt").notes.join()).toContain('left out: "..." (1 tensors)');
  });
});
