import "vitest";

declare module "vitest" {
  /** What globalSetup.mjs gives to every test file. */
  interface ProvidedContext {
    /** Path of the browser. */
    chromium: string;
    /** Folder that VS Code is installed in. */
    vscode: string;
    /** Path of the packaged extension. */
    extension: string;
  }
}
