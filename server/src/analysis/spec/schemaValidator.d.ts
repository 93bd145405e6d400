/** @file What scripts/shared/schemaValidator.mjs makes of a JSON schema when the bundles are built. */

declare module "*.schema.json?validator" {
  import type { ValidateFunction } from "ajv";

  const validate: ValidateFunction;
  export default validate;
}
