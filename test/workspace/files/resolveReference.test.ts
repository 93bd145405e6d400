import { mkdtemp, mkdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { resolveReference } from "../../../server/src/workspace/files/resolveReference";
import { insideWorkspace, listWorkspaceFiles } from "../../../server/src/workspace/files/workspaceFiles";

let root = "";
let folder = "";
const inside = (name: string): string => join(folder, name);

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "lib-lens-files-"));
  folder = join(root, "workspace");
  for (const name of ["src", "runs/best", "node_modules/x", ".git"]) await mkdir(inside(name), { recursive: true });
  for (const name of ["src/train.py", "runs/mlp_epoch1.pt", "runs/mlp_epoch2.pt", "runs/best/model.safetensors", "src/local.pt", "node_modules/x/m.pt", ".git/g.pt"]) {
    await writeFile(inside(name), "");
  }
  await writeFile(join(root, "secret.pt"), "");
  await symlink(join(root, "secret.pt"), inside("link.pt"));
  await symlink(root, inside("up"));
});
afterAll(() => rm(root, { recursive: true, force: true }));

async function files(path: string, anchor: "relative" | "document" | "absolute" = "relative"): Promise<string[]> {
  const { models } = await listWorkspaceFiles([folder]);
  return (await resolveReference({ path, anchor }, inside("src/train.py"), [folder], models)).files.map((file) => file.slice(folder.length + 1)).sort();
}

it("tries the folder of the document, then the workspace folder", async () => {
  expect(await files("local.pt")).toEqual(["src/local.pt"]);
  expect(await files("runs/mlp_epoch1.pt")).toEqual(["runs/mlp_epoch1.pt"]);
  expect(await files("runs/mlp_epoch1.pt", "document")).toEqual([]);
  expect(await files("../runs/mlp_epoch1.pt", "document")).toEqual(["runs/mlp_epoch1.pt"]);
});

it("matches patterns against the models of the workspace, one folder level per star", async () => {
  expect(await files("runs/mlp_epoch*.pt")).toEqual(["runs/mlp_epoch1.pt", "runs/mlp_epoch2.pt"]);
  expect(await files("*/mlp_epoch2.pt")).toEqual(["runs/mlp_epoch2.pt"]);
  expect(await files("*.safetensors")).toEqual([]);
});

it("finds the weights in a folder in the layout of Hugging Face", async () => {
  expect(await files("runs/best")).toEqual(["runs/best/model.safetensors"]);
});

it("never leaves the workspace: not by .., not by an absolute path, not by a link", async () => {
  expect(await files("../../secret.pt")).toEqual([]);
  expect(await files(join(root, "secret.pt"), "absolute")).toEqual([]);
  expect(await files("../link.pt", "document")).toEqual([]);
  expect(await files("../up/secret.pt", "document")).toEqual([]);
  expect(await files("link*.pt")).toEqual([]);
  expect((await resolveReference({ path: "../lin*.pt", anchor: "document" }, inside("src/train.py"), [folder], [inside("link.pt")])).files).toEqual([]);
  expect(await insideWorkspace(folder, [folder])).toBeNull();
  expect((await resolveReference({ path: "../../secret.pt", anchor: "document" }, inside("src/train.py"), [folder], [])).expected).toBeNull();
});

it("lists sources and models, without dependencies and hidden folders", async () => {
  const found = await listWorkspaceFiles([folder]);
  expect(found.sources).toEqual([inside("src/train.py")]);
  expect(found.models.map((file) => file.slice(folder.length + 1)).sort()).toEqual([
    "runs/best/model.safetensors", "runs/mlp_epoch1.pt", "runs/mlp_epoch2.pt", "src/local.pt",
  ]);
  expect(found.stopped).toBeNull();
});

it("stops at its time bound and says so", async () => {
  let time = 0;
  const found = await listWorkspaceFiles([folder], () => (time += 60_000));
  expect(found.stopped).toContain("took more than");
});
