/** @file The file in front of the user, in whatever editor it is open. */

import { TabInputCustom, TabInputText, window, type Uri } from "vscode";

const modelFile = /\.(pt|pth|bin|ckpt|safetensors|npz|onnx|keras|h5|pt2)$/i;

export const isSpecFile = (uri: Uri): boolean => uri.path.endsWith(".lib.json");
export const isModelFile = (uri: Uri): boolean => modelFile.test(uri.path);

/** The active tab rather than the active text editor: a model file opens in no text editor. */
export function activeFile(): Uri | null {
  const input = window.tabGroups.activeTabGroup.activeTab?.input;
  return input instanceof TabInputText || input instanceof TabInputCustom ? input.uri : null;
}
