/** @file Open documents and notebooks, passed on to the workspace index in its spelling of URIs. */

import {
  type Connection, NotebookDocuments, type NotebookDocument, TextDocuments,
} from "vscode-languageserver";
import { TextDocument } from "vscode-languageserver-textdocument";
import { type SourceKind, sourceKind } from "../workspace/fileKinds";
import { sameSpelling } from "../workspace/uris";
import type { WorkspaceIndex } from "../workspace/workspaceIndex";

const kindOfLanguage: Readonly<Record<string, SourceKind>> = {
  python: "python", typescript: "typescript", typescriptreact: "typescript", javascript: "typescript", javascriptreact: "typescript",
  yaml: "yaml", json: "json", jsonc: "json",
};

export class OpenDocuments {
  readonly #texts = new TextDocuments(TextDocument);
  readonly #notebooks = new NotebookDocuments(this.#texts);
  readonly #index: WorkspaceIndex;
  /** Spelling of the index -> spelling of the client. */
  readonly #spelling = new Map<string, string>();

  /** @param onClose called with the client's URI of a document, or of a cell, that is gone */
  constructor(index: WorkspaceIndex, onClose: (uri: string) => void) {
    this.#index = index;
    this.#texts.onDidChangeContent(({ document }) => this.#update(document));
    this.#texts.onDidClose(({ document }) => {
      this.#spelling.delete(sameSpelling(document.uri));
      this.#index.close(sameSpelling(document.uri));
      onClose(document.uri);
    });
    this.#notebooks.onDidOpen((notebook) => this.#updateNotebook(notebook));
    this.#notebooks.onDidChange(({ notebookDocument, cells }) => {
      for (const cell of cells?.removed ?? []) this.#forgetCell(cell.document, onClose);
      this.#updateNotebook(notebookDocument);
    });
    this.#notebooks.onDidClose((notebook) => {
      for (const cell of notebook.cells) this.#forgetCell(cell.document, onClose);
      this.#index.close(sameSpelling(notebook.uri));
    });
  }

  listen(connection: Connection): void {
    this.#texts.listen(connection);
    this.#notebooks.listen(connection);
  }

  /** URIs of the open documents and cells: as the index and as the client spell them. */
  all(): [uri: string, clientUri: string][] {
    return [...this.#spelling];
  }

  /** The client's spelling of a document, open or not. */
  clientUri(uri: string): string {
    return this.#spelling.get(uri) ?? uri;
  }

  /** Text of an open analysis spec; null for any other document. */
  specText(clientUri: string): string | null {
    return clientUri.endsWith(".lib.json") ? this.#texts.get(clientUri)?.getText() ?? null : null;
  }

  #update(document: TextDocument): void {
    const uri = sameSpelling(document.uri);
    const kind = sourceKind(uri) ?? kindOfLanguage[document.languageId] ?? null;
    if (kind === null) return;
    this.#spelling.set(uri, document.uri);
    this.#index.update({ uri, kind, text: document.getText() });
  }

  #updateNotebook(notebook: NotebookDocument): void {
    const cells = notebook.cells.flatMap((cell) => {
      const document = this.#notebooks.getCellTextDocument(cell);
      return document?.languageId === "python" ? [{ uri: cell.document, text: document.getText() }] : [];
    });
    for (const cell of cells) this.#spelling.set(cell.uri, cell.uri);
    this.#index.update({ uri: sameSpelling(notebook.uri), kind: "notebook", text: "", cells });
  }

  #forgetCell(uri: string, onClose: (uri: string) => void): void {
    if (this.#spelling.delete(uri)) onClose(uri);
  }
}
