// @huggingface/hub against the server at HF_ENDPOINT, in two halves: node client.mjs upload|download.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import * as hub from "@huggingface/hub";

const me = { hubUrl: process.env.HF_ENDPOINT, accessToken: process.env.HF_TOKEN };
const nobody = { hubUrl: process.env.HF_ENDPOINT };
const repo = "alice/js";

// Three parts of the server's 16 MiB, the last one short.
const large = new Uint8Array(40 * 1024 * 1024 + 7);
for (let i = 0, x = 1; i < large.length; i++) {
  x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
  large[i] = x >>> 24;
}
const small = '{"model_type":"gpt2"}\n';
const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");

async function all(entries) {
  const list = [];
  for await (const entry of entries) list.push(entry);
  return list;
}

async function refused(status, call) {
  await assert.rejects(call, (error) => error.statusCode === status, `expected status ${status}`);
}

async function upload() {
  assert.equal((await hub.whoAmI(me)).name, "alice");
  await refused(401, () => hub.whoAmI({ ...me, accessToken: "hf_nobody" }));
  assert.equal(await hub.repoExists({ repo, ...me }), false);
  assert.equal((await hub.createRepo({ repo, license: "mit", ...me })).id, repo);
  await refused(409, () => hub.createRepo({ repo, ...me }));
  await refused(403, () => hub.createRepo({ repo: "bob/js", ...me }));
  assert.equal(await hub.repoExists({ repo, ...me }), true);

  const before = (await hub.modelInfo({ name: repo, additionalFields: ["sha"], ...me })).sha;
  const { commit } = await hub.uploadFiles({
    repo,
    ...me,
    useXet: false,
    files: [
      { path: "config.json", content: new Blob([small]) },
      { path: "model.safetensors", content: new Blob([large]) },
      { path: "sub/tiny.bin", content: new Blob(["x"]) },
    ],
  });
  assert.match(commit.oid, /^[0-9a-f]{40}$/);
  // The same content under another name, offering Xet: it is there already.
  await hub.uploadFiles({ repo, ...me, files: [{ path: "copy.safetensors", content: new Blob([large]) }] });
  await refused(412, () =>
    hub.uploadFiles({ repo, ...me, parentCommit: before, files: [{ path: "late.txt", content: new Blob(["x"]) }] }),
  );

  assert.equal((await hub.createRepo({ repo: "alice/hidden", visibility: "private", ...me })).id, "alice/hidden");
  assert.equal(await hub.repoExists({ repo: "alice/hidden", ...nobody }), false);
  assert.equal(await hub.repoExists({ repo: "alice/hidden", ...me }), true);
}

async function download() {
  const files = await all(hub.listFiles({ repo, recursive: true, expand: true, ...me }));
  assert.deepEqual(
    files.map((file) => `${file.type} ${file.path} ${file.size}`),
    [
      "file .gitattributes " + files[0].size,
      "file README.md 21",
      `file config.json ${small.length}`,
      `file copy.safetensors ${large.length}`,
      `file model.safetensors ${large.length}`,
      "directory sub 0",
      "file sub/tiny.bin 1",
    ],
  );
  assert.equal(files[4].lfs.oid, sha256(large));
  assert.equal(files[2].oid, createHash("sha1").update(`blob ${small.length}\0${small}`).digest("hex"));
  assert.equal(files[4].lastCommit.title, "Add 3 files");
  const info = await hub.modelInfo({ name: repo, additionalFields: ["sha", "siblings"], ...nobody });
  assert.equal(info.private, false);
  assert.equal(info.siblings.length, 6);

  const model = await hub.downloadFile({ repo, path: "model.safetensors", ...me });
  assert.equal(model.size, large.length);
  assert.equal(sha256(Buffer.from(await model.arrayBuffer())), sha256(large));
  assert.deepEqual(Buffer.from(await model.slice(8, 64).arrayBuffer()), Buffer.from(large.slice(8, 64)));
  assert.equal(await (await hub.downloadFile({ repo, path: "config.json", ...nobody })).text(), small);
  assert.equal(await hub.downloadFile({ repo, path: "none", ...me }), null);
  assert.equal(await hub.fileExists({ repo, path: "config.json", ...me }), true);

  const snapshot = await hub.snapshotDownload({ repo, cacheDir: "cache", ...me });
  assert.equal(sha256(await readFile(join(snapshot, "model.safetensors"))), sha256(large));
  assert.equal(await readFile(join(snapshot, "config.json"), "utf8"), small);
  assert.ok(snapshot.endsWith(info.sha));

  await hub.deleteFile({ repo, path: "copy.safetensors", ...me });
  assert.equal(await hub.fileExists({ repo, path: "copy.safetensors", ...me }), false);
  assert.equal(await hub.countCommits({ repo, ...me }), 4);
  assert.equal((await all(hub.listCommits({ repo, batchSize: 1, ...me }))).length, 4);
  await hub.deleteRepo({ repo, ...me });
  assert.equal(await hub.repoExists({ repo, ...me }), false);
}

const half = { upload, download }[process.argv[2]];
await half();
console.log(`@huggingface/hub: ${process.argv[2]} passed`);
