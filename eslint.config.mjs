import tseslint from "typescript-eslint";

/**
 * The rooms of the house and what each may import (design: imports run one way only).
 * A room is a folder below server/src; files directly below server/src are entry points and may import every room.
 */
const rooms = {
  protocol: [],
  figures: ["protocol"],
  engine: ["protocol"],
  core: ["engine", "protocol"],
  formats: ["protocol"],
  workspace: ["formats", "core", "engine", "protocol"],
  analysis: ["workspace", "formats", "core", "engine", "protocol"],
  language: ["analysis", "workspace", "formats", "core", "engine", "protocol"],
};

const message = (who, allowed) => `${who} may import only ${allowed.length > 0 ? allowed.join(", ") : "nothing"} (README, "The house").`;

const roomRules = Object.entries(rooms).map(([room, allowed]) => {
  const forbidden = Object.keys(rooms).filter((other) => other !== room && !allowed.includes(other));
  const patterns = [
    { regex: `^(\\.\\./)+(${[...forbidden, "server", "cli"].join("|")})(/|$)`, message: message(room, allowed) },
    { regex: "(^vscode$|/client/|/webview/)", message: "The server never imports the editor or a view." },
  ];
  if (["core", "protocol", "figures"].includes(room)) {
    patterns.push({ regex: "^(node:|vscode-languageserver|fs$|path$)", message: `${room} knows neither files nor editors.` });
  }
  if (room === "protocol") patterns.push({ regex: "^[^.]", message: "protocol imports nothing." });
  return { files: [`server/src/${room}/**/*.ts`], rules: { "no-restricted-imports": ["error", { patterns }] } };
});

/** What the sides outside the server may import of it: views draw the same figures as the command line. */
const shared = { client: ["protocol"], webview: ["protocol", "figures"] };

const outsideServer = Object.entries(shared).map(([side, allowed]) => ({
  files: [`${side}/src/**/*.ts`],
  rules: {
    "no-restricted-imports": ["error", { patterns: [
      { regex: `server/src/(?!(${allowed.join("|")})/)`, message: `${side} may import only ${allowed.join(" and ")} of server/src.` },
      { regex: side === "client" ? "/webview/" : "(/client/|^vscode$|^node:)", message: `${side} stays on its own side.` },
    ] }],
  },
}));

export default tseslint.config(
  { ignores: [".engine/**", "dist/**", "node_modules/**", "artifacts/**", "examples/**", "server/src/engine/kernels/**/*.as.ts", ".lib-lens/**"] },
  ...tseslint.configs.recommended,
  {
    files: ["**/*.ts"],
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      "@typescript-eslint/no-explicit-any": "error",
      "@typescript-eslint/consistent-type-imports": "error",
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_" }],
      eqeqeq: ["error", "always"],
      "no-restricted-globals": ["error", { name: "eval", message: "Nothing is ever evaluated." }],
      "max-lines": ["error", { max: 400, skipBlankLines: true, skipComments: true }],
    },
  },
  { files: ["test/**/*.ts"], rules: { "max-lines": "off" } },
  ...roomRules,
  ...outsideServer,
);
