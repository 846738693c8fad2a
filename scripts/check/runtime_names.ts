// SPDX-License-Identifier: Apache-2.0
// Only src/ffi knows a runtime: nowhere else in the module stands the name Deno or Bun, or an import that only one of them
// understands. Looks at the syntax tree, so that comments and texts may speak of both.
import ts from "typescript";
import { readdirSync, readFileSync, statSync } from "node:fs";

const RUNTIME_NAMES = new Set(["Deno", "Bun"]);
const FOREIGN_IMPORT = /^(bun|npm|jsr|https?):|^bun$/;

function sourceFiles(path: string): string[] {
  if (!statSync(path).isDirectory()) return path.endsWith(".ts") ? [path] : [];
  return readdirSync(path).flatMap((name) => sourceFiles(`${path}/${name}`));
}

const files = ["mod.ts", ...sourceFiles("src")].filter((path) => !path.startsWith("src/ffi/"));
let problems = 0;
for (const path of files) {
  const source = ts.createSourceFile(path, readFileSync(path, "utf8"), ts.ScriptTarget.Latest, true);
  const complain = (node: ts.Node, words: string): void => {
    problems++;
    console.error(`${path}:${source.getLineAndCharacterOfPosition(node.getStart()).line + 1}: ${words}`);
  };
  const visit = (node: ts.Node): void => {
    if (ts.isIdentifier(node) && RUNTIME_NAMES.has(node.text)) complain(node, `names ${node.text}`);
    if (ts.isStringLiteral(node) && FOREIGN_IMPORT.test(node.text)) {
      const call = ts.isCallExpression(node.parent) && node.parent.expression.kind === ts.SyntaxKind.ImportKeyword;
      if (call || ts.isImportDeclaration(node.parent) || ts.isExportDeclaration(node.parent)) {
        complain(node, `imports ${node.text}`);
      }
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
}
console.log(`${files.length} files outside src/ffi`);
Deno.exit(problems === 0 ? 0 : 1);
