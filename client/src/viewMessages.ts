/** @file Guards for what a webview sends: nothing that does not fit the protocol reaches the server. */

import { viewActions, type ViewAction, type ViewMessage } from "../../server/src/protocol/views";

const formats = new Set(["png", "svg", "csv", "json"]);
const bases = new Set(["lib", "pca", "neuron"]);
const isIndex = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
const isText = (value: unknown, limit: number): value is string => typeof value === "string" && value.length <= limit;

/** The message, or null when it is not one. */
export function parseViewMessage(value: unknown): ViewMessage | null {
  if (typeof value !== "object" || value === null) return null;
  const message = value as Record<string, unknown>;
  switch (message["kind"]) {
    case "ready":
    case "cancel":
      return { kind: message["kind"] };
    case "matrix":
      return isIndex(message["request"]) && isText(message["tensor"], 200) ? { kind: "matrix", request: message["request"], tensor: message["tensor"] } : null;
    case "ablate": {
      const { request, basis, layer, remove } = message;
      if (!isIndex(request) || !isIndex(layer) || !isText(basis, 10) || !bases.has(basis)) return null;
      if (!Array.isArray(remove) || remove.length > 1_000_000 || !remove.every(isIndex)) return null;
      return { kind: "ablate", request, layer, remove, basis: basis as "lib" | "pca" | "neuron" };
    }
    case "modules": {
      const { request, resolution, basis } = message;
      if (!isIndex(request) || typeof resolution !== "number" || !(resolution > 0) || !Number.isFinite(resolution) || (basis !== "lib" && basis !== "pca")) return null;
      return { kind: "modules", request, resolution, basis };
    }
    case "architecture":
      return isIndex(message["request"]) ? { kind: "architecture", request: message["request"] } : null;
    case "openSource":
      return isText(message["layer"], 500) ? { kind: "openSource", layer: message["layer"] } : null;
    case "export": {
      const { name, format, bytes } = message;
      if (!isText(name, 200) || !isText(format, 4) || !formats.has(format) || !(bytes instanceof Uint8Array)) return null;
      return { kind: "export", name, format: format as "png" | "svg" | "csv" | "json", bytes };
    }
    case "action":
      return (viewActions as readonly unknown[]).includes(message["action"]) ? { kind: "action", action: message["action"] as ViewAction } : null;
    default:
      return null;
  }
}
