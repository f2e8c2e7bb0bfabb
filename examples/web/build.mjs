// Makes dist of page and src.
import { build } from "esbuild";
import { cpSync, rmSync } from "node:fs";

rmSync("dist", { recursive: true, force: true });
cpSync("page", "dist", { recursive: true });
await build({
  entryPoints: ["src/main.ts"],
  outdir: "dist",
  bundle: true,
  format: "esm",
  target: "es2022",
  minify: true,
  sourcemap: true,
  preserveSymlinks: true, // the library's folder has a copy of @bufbuild/protobuf of its own
  logLevel: "warning",
});
