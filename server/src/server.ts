/**
 * @file Entry of the language server (`dist/server.js`): `--stdio` for any editor, Node IPC in VS Code.
 * The standard output carries the protocol, so that nothing else may ever be written to it.
 */

import { ProposedFeatures, createConnection } from "vscode-languageserver/node";
import { startLanguageServer } from "./language/languageServer";

console.log = console.info = console.debug = console.error;

const connection = createConnection(ProposedFeatures.all);
startLanguageServer(connection, { bundleFolder: __dirname });
connection.listen();
