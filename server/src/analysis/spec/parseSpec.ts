/**
 * @file Text of a spec file -> AnalysisSpec. The JSON schema the editor uses for completion is also what is enforced here:
 * one truth. Every problem becomes one sentence with its place.
 */

import type { ErrorObject } from "ajv";
import type { AnalysisSpec } from "../../protocol/spec";
import validate from "../../../../schemas/analysis-spec.schema.json?validator";
import { JsonSyntaxError, parseJsonWithComments, pointerPart, type ParsedJson, type Range } from "./jsonWithComments";
import { nearest } from "./nearest";
import { checkCombinations } from "./combinations";
import { SpecError, type SpecProblem } from "./specError";

/** Characters; a spec is written by hand. */
export const maxSpecLength = 1_000_000;

/** Problems of a spec text, for diagnostics; empty when the spec can be used. Never throws. */
export function specProblems(text: string): SpecProblem[] {
  return read(text).problems;
}

/**
 * @param file for messages only.
 * @throws SpecError that names the file, the line, the field and what to do.
 */
export function parseSpec(text: string, file: string): AnalysisSpec {
  const { value, problems } = read(text);
  if (problems.length > 0) throw new SpecError(file, problems);
  // Plain objects from here on: the reader's have no prototype, which surprises code that compares or copies.
  return JSON.parse(JSON.stringify(value)) as AnalysisSpec;
}

function read(text: string): { value: unknown; problems: SpecProblem[] } {
  if (text.length > maxSpecLength) {
    return { value: null, problems: [{ message: `A spec of ${text.length} characters is no spec; the limit is ${maxSpecLength}.`, pointer: "", range: null }] };
  }
  let parsed: ParsedJson;
  try {
    parsed = parseJsonWithComments(text);
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error;
    return { value: null, problems: [{ message: error.message, pointer: "", range: error.range }] };
  }
  const problems = schemaProblems(parsed);
  if (problems.length === 0) problems.push(...checkCombinations(parsed.value as unknown as AnalysisSpec).map((one) => ({ ...one, range: place(parsed, one.pointer) })));
  return { value: parsed.value, problems };
}

function schemaProblems(parsed: ParsedJson): SpecProblem[] {
  if (validate(parsed.value)) return [];
  const errors = (validate.errors ?? []).filter((error) => error.keyword !== "anyOf" && !error.schemaPath.includes("/anyOf/"));
  const alternatives = (validate.errors ?? []).filter((error) => error.keyword === "anyOf");
  // A misspelt field is also a missing one: the spelling comes first.
  const rank = (error: ErrorObject): number => (error.keyword === "additionalProperties" ? 0 : error.keyword === "required" ? 2 : 1);
  return [...errors, ...alternatives].sort((a, b) => rank(a) - rank(b)).map((error) => {
    const pointer = error.keyword === "additionalProperties"
      ? `${error.instancePath}/${pointerPart(String(error.params["additionalProperty"]))}`
      : error.instancePath;
    return { message: describe(error), pointer, range: place(parsed, pointer) };
  });
}

/** Of an unknown field the name is marked, of everything else the value. */
function place(parsed: ParsedJson, pointer: string): Range | null {
  return parsed.values.get(pointer) ?? parsed.names.get(pointer) ?? parsed.values.get("") ?? null;
}

function describe(error: ErrorObject): string {
  const field = fieldName(error.instancePath);
  const given = JSON.stringify(error.data)?.slice(0, 60);
  switch (error.keyword) {
    case "additionalProperties": {
      const name = String(error.params["additionalProperty"]);
      const known = Object.keys((error.parentSchema as { properties?: object } | undefined)?.properties ?? {});
      const meant = nearest(name, known);
      const inside = error.instancePath === "" ? "a spec" : field;
      return `Unknown field "${name}": ${meant ? `did you mean "${meant}"?` : `${inside} knows ${known.join(", ")}.`}`;
    }
    case "required":
      return `"${String(error.params["missingProperty"])}" is missing in ${error.instancePath === "" ? "the spec" : field}: add it.`;
    case "enum": {
      const allowed = (error.params["allowedValues"] as unknown[]).map(String);
      const meant = typeof error.data === "string" ? nearest(error.data, allowed) : null;
      return `${field} is ${given}; ${meant ? `did you mean "${meant}"?` : `it is one of ${allowed.join(", ")}.`}`;
    }
    case "type":
      return `${field} is ${given}; ${typeSentence(error.params["type"])} is expected.`;
    case "anyOf":
      return `${field} is ${given}; ${valueSentences[error.instancePath] ?? "another value"} is expected.`;
    case "pattern":
      return `${field} is ${given}; a size such as "4GB" or "512MB" is expected.`;
    case "minLength":
      return `${field} is empty: fill it in or leave it out.`;
    case "minItems":
      return `${field} is ${given}; at least ${String(error.params["limit"])} are expected: add to the list or leave the field out.`;
    case "uniqueItems":
      return `${field} has ${JSON.stringify((error.data as unknown[])[error.params["i"] as number])} twice: name each once.`;
    case "minimum":
      return `${field} is ${given}; it is at least ${String(error.params["limit"])}.`;
    case "maximum":
      return `${field} is ${given}; it is at most ${String(error.params["limit"])}.`;
    case "exclusiveMinimum":
      return `${field} is ${given}; it is more than ${String(error.params["limit"])}.`;
    case "exclusiveMaximum":
      return `${field} is ${given}; it is less than ${String(error.params["limit"])}.`;
    default:
      return `${field} is ${given}; it ${error.message ?? "has a wrong value"}.`;
  }
}

/** What fields with alternatives take. */
const valueSentences: Readonly<Record<string, string>> = {
  "/batchSize": 'a whole number from 1 or "auto"',
  "/basis/integration": '"gradient", "gauss-legendre" or "trapezoidal", or an object that gives node layers one of these,',
};

function typeSentence(type: unknown): string {
  const names: Record<string, string> = {
    string: "a text in double quotes", integer: "a whole number", number: "a number", boolean: "true or false",
    object: "an object in braces", array: "a list in brackets", null: "null",
  };
  return (Array.isArray(type) ? type : String(type).split(",")).map((one) => names[String(one)] ?? String(one)).join(" or ");
}

function fieldName(pointer: string): string {
  if (pointer === "") return "The spec";
  return `"${pointer.slice(1).replace(/\//g, ".").replace(/~1/g, "/").replace(/~0/g, "~")}"`;
}
