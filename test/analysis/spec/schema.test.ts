import { readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { describe, expect, it } from "vitest";

const root = join(__dirname, "../../..");
const read = (path: string): string => readFileSync(join(root, path), "utf8");

interface Schema {
  $ref?: string;
  type?: string | string[];
  enum?: unknown[];
  const?: unknown;
  anyOf?: Schema[];
  items?: Schema;
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: boolean | Schema;
  description?: string;
}

const schema = JSON.parse(read("schemas/analysis-spec.schema.json")) as Schema & { definitions: Record<string, Schema> };

/** What is described, whether in TypeScript or in JSON schema: values and primitive types, fields, elements, entries. */
interface Shape {
  readonly values: readonly string[];
  readonly fields?: { readonly required: readonly string[]; readonly all: ReadonlyMap<string, Shape> };
  readonly items?: Shape;
  readonly entries?: Shape;
}

/** Alternatives as one shape. Integers are numbers; a pattern, a range or a length is for the schema alone. */
function union(shapes: readonly Shape[]): Shape {
  const values = [...new Set(shapes.flatMap((shape) => shape.values))].sort();
  return Object.assign({}, ...shapes, { values }) as Shape;
}

const source = ts.createSourceFile("spec.ts", read("server/src/protocol/spec.ts"), ts.ScriptTarget.Latest);
const declarations = new Map(source.statements.flatMap((statement) => (
  ts.isInterfaceDeclaration(statement) || ts.isTypeAliasDeclaration(statement) ? [[statement.name.text, statement] as const] : []
)));

function members(list: ts.NodeArray<ts.TypeElement>): Shape {
  const fields = list.filter(ts.isPropertySignature).map((field) => ({ name: (field.name as ts.Identifier).text, optional: field.questionToken !== undefined, type: field.type! }));
  return {
    values: ["object"],
    fields: { required: fields.filter(({ optional }) => !optional).map(({ name }) => name).sort(), all: new Map(fields.map(({ name, type }) => [name, ofType(type)])) },
  };
}

function ofType(type: ts.TypeNode): Shape {
  if (ts.isUnionTypeNode(type)) return union(type.types.map(ofType));
  if (ts.isParenthesizedTypeNode(type)) return ofType(type.type);
  if (ts.isArrayTypeNode(type)) return { values: ["array"], items: ofType(type.elementType) };
  if (ts.isTypeLiteralNode(type)) return members(type.members);
  if (ts.isLiteralTypeNode(type)) return { values: [type.literal.kind === ts.SyntaxKind.NullKeyword ? "null" : JSON.stringify((type.literal as ts.StringLiteral).text)] };
  if (ts.isTypeReferenceNode(type)) {
    const name = (type.typeName as ts.Identifier).text;
    if (name === "Record") return { values: ["object"], entries: ofType(type.typeArguments![1]!) };
    const declared = declarations.get(name)!;
    return ts.isInterfaceDeclaration(declared) ? members(declared.members) : ofType(declared.type);
  }
  return { values: [ts.tokenToString(type.kind)!] };
}

const resolved = (node: Schema): Schema => (node.$ref === undefined ? node : { ...schema.definitions[node.$ref.replace("#/definitions/", "")]!, ...node });

function ofSchema(node: Schema): Shape {
  const { type, enum: listed, const: only, anyOf, items, properties, required, additionalProperties } = resolved(node);
  if (anyOf) return union(anyOf.map(ofSchema));
  if (listed) return union(listed.map((value) => ({ values: [JSON.stringify(value)] })));
  if (only !== undefined) return { values: [JSON.stringify(only)] };
  return {
    values: [type!].flat().map((name) => (name === "integer" ? "number" : name)).sort(),
    ...(items ? { items: ofSchema(items) } : {}),
    ...(properties ? { fields: { required: [...(required ?? [])].sort(), all: new Map(Object.entries(properties).map(([name, one]) => [name, ofSchema(one)])) } } : {}),
    ...(typeof additionalProperties === "object" ? { entries: ofSchema(additionalProperties) } : {}),
  };
}

/** Every object of the schema, with the place where it stands. */
function* objects(node: Schema, place: string): Generator<{ place: string; node: Schema }> {
  const found = resolved(node);
  if (found.properties) yield { place, node: found };
  for (const [name, one] of Object.entries(found.properties ?? {})) yield* objects(one, `${place}.${name}`);
  if (typeof found.additionalProperties === "object") yield* objects(found.additionalProperties, `${place}.*`);
  for (const one of found.anyOf ?? []) yield* objects(one, place);
}

describe("the schema of the analysis spec", () => {
  it("has the fields, the values and the required fields of protocol/spec.ts, no more and no fewer", () => {
    expect(ofSchema(schema)).toEqual(members((declarations.get("AnalysisSpec") as ts.InterfaceDeclaration).members));
  });

  it.each([...objects(schema, "spec")])("describes every field of $place and refuses others", ({ node }) => {
    expect(node.additionalProperties).toBe(false);
    for (const [name, field] of Object.entries(node.properties!)) expect(resolved(field).description, name).toMatch(/\S.*\.$/);
  });

  it("has no field that docs/analysis-spec.md does not name", () => {
    const page = read("docs/analysis-spec.md");
    const names = new Set([...objects(schema, "spec")].flatMap(({ node }) => Object.keys(node.properties!)));
    names.delete("$schema");
    expect([...names].filter((name) => !new RegExp(`[\`."]${name}[\`".]`).test(page))).toEqual([]);
  });
});
