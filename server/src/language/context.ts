/** @file What every feature is given: the state of the workspace and what the client can show. */

import type { ModelCache } from "../workspace/modelCache";
import type { WorkspaceSnapshot } from "../workspace/snapshot";
import type { ClientAbilities } from "./clientCapabilities";
import type { ResultIndex } from "./resultIndex";
import type { Settings } from "./settings";

export interface LanguageContext {
  readonly snapshot: WorkspaceSnapshot;
  readonly models: ModelCache;
  readonly results: ResultIndex;
  readonly client: ClientAbilities;
  readonly settings: Settings;
  /** Milliseconds since 1970. */
  readonly now: number;
}
