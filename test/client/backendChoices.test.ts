import { expect, it } from "vitest";
import { automaticBackend, backendChoices } from "../../client/src/commands/backendChoices";
import type { BackendStatus } from "../../server/src/protocol/requests";

const statuses: BackendStatus[] = [
  { name: "tensorflow", available: false, reason: "The package is not installed: run `npm install it` in a folder.", gflops: null },
  { name: "webgpu", available: true, reason: "WebGPU on a card, float32", gflops: 5123.4 },
  { name: "wasm", available: false, reason: "The backend did not answer within 1.5 seconds.", gflops: null },
  { name: "cpu", available: true, reason: "Matrix products by plain loops, float32", gflops: 0.55 },
];

it("those that work come first, each with its speed, the others with what is wrong and all that is known kept", () => {
  const [auto, working, missing] = backendChoices(statuses, "cpu");
  expect(auto!.options.map(({ choice, available, description }) => [choice, available, description])).toEqual([["auto", true, "takes webgpu here"]]);
  expect(working!.options.map(({ choice, description, detail }) => [choice, description, detail])).toEqual([
    ["webgpu", "graphics card, float32 only · 5123 GFLOP/s", "WebGPU on a card"],
    ["cpu", "plain JavaScript, slow: the reference · 0.6 GFLOP/s · current", "Matrix products by plain loops"],
  ]);
  expect(missing!.options.map(({ choice, available, detail }) => [choice, available, detail])).toEqual([
    ["tensorflow", false, "The package is not installed"],
    ["wasm", false, "The backend did not answer within 1.5 seconds"],
  ]);
  expect(missing!.options.map(({ reason }) => reason)).toEqual([statuses[0]!.reason, statuses[2]!.reason]);
});

it("where nothing works auto cannot be chosen, and there is no empty group", () => {
  const none = statuses.map((status) => ({ ...status, available: false }));
  expect(automaticBackend(none)).toBeNull();
  const groups = backendChoices(none, "auto");
  expect(groups.map(({ options }) => options.length)).toEqual([1, 4]);
  expect(groups[0]!.options[0]).toMatchObject({ available: false, description: "nothing works here · current" });
});
