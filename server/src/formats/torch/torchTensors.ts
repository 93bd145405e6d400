/** @file Tensors inside PyTorch pickles: which storage they view and how. Our own code interprets a short list of names; no other is. */

import { FormatError, type DType } from "../modelFile";
import { PickleGlobal, PickleObject, sequenceItems } from "../pickle/pickleValues";
import type { PickleInterpreter } from "../pickle/unpickler";
import { elementSize } from "../tensors/elements";
import { checkView, type TensorView } from "../tensors/tensorView";

/** A block of numbers outside the pickle. */
export class TorchStorage {
  constructor(
    readonly dtype: DType,
    readonly key: string,
    readonly elements: number,
    /** Legacy files: first element within the storage that `key` names. */
    readonly start = 0,
  ) {}
  get bytes(): number { return this.elements * elementSize(this.dtype); }
}

/** Integers that stand for real numbers: value = (integer - zeroPoint) * scale. */
export interface Quantization { readonly scale: number; readonly zeroPoint: number }

export class TorchTensor implements TensorView {
  readonly littleEndian: boolean;
  constructor(
    readonly storage: TorchStorage,
    readonly dtype: DType,
    readonly shape: readonly number[],
    readonly strides: readonly number[],
    readonly offset: number,
    readonly quantization: Quantization | null,
    littleEndian: boolean,
  ) {
    this.littleEndian = littleEndian;
  }
}

const storageTypes: ReadonlyMap<string, DType> = new Map([
  ["DoubleStorage", "float64"], ["FloatStorage", "float32"], ["HalfStorage", "float16"], ["BFloat16Storage", "bfloat16"],
  ["LongStorage", "int64"], ["IntStorage", "int32"], ["ShortStorage", "int16"], ["CharStorage", "int8"], ["ByteStorage", "uint8"],
  ["BoolStorage", "bool"], ["ComplexFloatStorage", "complex64"], ["ComplexDoubleStorage", "complex128"],
  ["QUInt8Storage", "uint8"], ["QInt8Storage", "int8"], ["QInt32Storage", "int32"], ["UntypedStorage", "uint8"],
]);

/** torch.<name> as the pickle of newer element types spells it. */
const dtypeNames: ReadonlyMap<string, DType> = new Map([
  ["float64", "float64"], ["float32", "float32"], ["float16", "float16"], ["bfloat16", "bfloat16"],
  ["float8_e4m3fn", "float8_e4m3"], ["float8_e5m2", "float8_e5m2"], ["float8_e4m3fnuz", "float8_e4m3fnuz"],
  ["float8_e5m2fnuz", "float8_e5m2fnuz"], ["float8_e8m0fnu", "float8_e8m0"],
  ["int64", "int64"], ["int32", "int32"], ["int16", "int16"], ["int8", "int8"],
  ["uint64", "uint64"], ["uint32", "uint32"], ["uint16", "uint16"], ["uint8", "uint8"], ["bool", "bool"],
  ["complex32", "complex32"], ["complex64", "complex64"], ["complex128", "complex128"],
]);

/** Interpreter for the pickles of one torch file. */
export class TorchInterpreter implements PickleInterpreter {
  /** Storages by key, as the pickle refers to them. */
  readonly storages = new Map<string, TorchStorage>();
  private tensorCount = 0;

  constructor(private readonly name: string, private readonly littleEndian: boolean) {}

  interpret(callable: PickleGlobal, args: readonly unknown[], charge: (bytes: number) => void): unknown {
    switch (callable.path) {
      case "torch._utils._rebuild_tensor":
      case "torch._utils._rebuild_tensor_v2":
        return this.tensor(args, undefined, null, charge);
      case "torch._utils._rebuild_tensor_v3":
        return this.tensor(args, args[6], null, charge);
      case "torch._utils._rebuild_qtensor": {
        const quantization = perTensorQuantization(args[4]);
        return quantization === null ? undefined : this.tensor(args, undefined, quantization, charge);
      }
      case "torch._utils._rebuild_parameter":
      case "torch._utils._rebuild_parameter_with_state":
        return args[0] instanceof TorchTensor ? args[0] : undefined;
      case "torch._tensor._rebuild_from_type_v2": {
        const inner = sequenceItems(args[2]);
        const rebuild = args[0];
        const nested = rebuild instanceof PickleGlobal && rebuild.path !== callable.path;
        return nested && inner !== null ? this.interpret(rebuild, inner, charge) : undefined;
      }
      case "torch.Size": {
        const sizes = sequenceItems(args[0] ?? []) ?? [];
        charge(8 * sizes.length);
        return [...sizes];
      }
      default:
        return undefined;
    }
  }

  persistent(id: unknown): unknown {
    const parts = sequenceItems(id);
    // ("module", class, source file, source text): legacy files of whole modules. Only the name counts; the source is not run.
    if (parts?.[0] === "module" && parts[1] instanceof PickleGlobal) return parts[1];
    if (parts === null || parts[0] !== "storage") throw this.damaged("a reference that is no storage");
    const [, type, key, , count, view] = parts;
    const typeName = type instanceof PickleGlobal ? type.name : typeof type === "string" ? type : "?";
    const dtype = storageTypes.get(typeName);
    if (dtype === undefined) throw new FormatError(`${this.name}: storage type ${typeName.slice(0, 80)} is not read; convert the tensors to float32 before saving.`);
    if (!isIndex(count)) throw this.damaged("a storage of impossible size");
    if (typeof key !== "string") throw this.damaged("a storage without a name");
    const root = new TorchStorage(dtype, key.slice(0, 200), count);
    if (!this.storages.has(root.key)) this.storages.set(root.key, root);
    return view === null || view === undefined ? root : this.storageView(root, view);
  }

  /** Legacy files name a part of a storage as (key, offset, size), in elements. */
  private storageView(root: TorchStorage, view: unknown): TorchStorage {
    const [, start, size] = sequenceItems(view) ?? [];
    if (!isIndex(start) || !isIndex(size) || start + size > root.elements) throw this.damaged("a storage view outside its storage");
    return new TorchStorage(root.dtype, root.key, size, start);
  }

  /** Arguments: storage, storage_offset, size, stride, ... */
  private tensor(args: readonly unknown[], dtypeArgument: unknown, quantization: Quantization | null, charge: (bytes: number) => void): TorchTensor {
    const [storage, offset, size, stride] = args;
    const shape = sequenceItems(size);
    const strides = sequenceItems(stride);
    if (!(storage instanceof TorchStorage) || !isIndex(offset) || shape === null || strides === null) throw this.damaged("a tensor without storage or shape");
    const dtype = dtypeArgument === undefined ? storage.dtype : this.namedType(dtypeArgument);
    charge(160 + 16 * shape.length);
    const tensor = new TorchTensor(storage, dtype, [...shape] as number[], [...strides] as number[], offset, quantization, this.littleEndian);
    checkView(tensor, Math.floor(storage.bytes / elementSize(dtype)), `${this.name}: tensor ${++this.tensorCount}`);
    return tensor;
  }

  private namedType(argument: unknown): DType {
    const name = argument instanceof PickleGlobal ? argument.name : "?";
    const dtype = dtypeNames.get(name);
    if (dtype === undefined) throw new FormatError(`${this.name}: element type ${name.slice(0, 80)} is not read; convert the tensors to float32 before saving.`);
    return dtype;
  }

  private damaged(what: string): FormatError {
    return new FormatError(`${this.name} is a damaged or hostile PyTorch file: it contains ${what}; save the model again, best as safetensors.`);
  }
}

/** Per-channel and other schemes are left as inert records. */
function perTensorQuantization(parameters: unknown): Quantization | null {
  const [scheme, scale, zeroPoint] = sequenceItems(parameters) ?? [];
  const perTensor = scheme instanceof PickleGlobal && scheme.name === "per_tensor_affine";
  return perTensor && typeof scale === "number" && typeof zeroPoint === "number" ? { scale, zeroPoint } : null;
}

const isIndex = (value: unknown): value is number => typeof value === "number" && Number.isSafeInteger(value) && value >= 0;

/** True for records of tensors that this reader leaves out (sparse, meta, per-channel quantised, ...). */
export function isUnreadTensor(value: unknown): value is PickleObject {
  return value instanceof PickleObject && /^torch\._utils\._rebuild_|^torch\._tensor\._rebuild_/.test(value.path);
}
