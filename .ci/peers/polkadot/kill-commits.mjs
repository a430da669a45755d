// Commits against a server that is killed at random moments: kill-commits.mjs COMMITS SEED PORT COMMAND...
// Each commitment must come into exactly one block, also when the server died before it answered.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { ApiPromise, Keyring, WsProvider } from '@polkadot/api';

const NETUID = 9;
const [commits, seed, port] = process.argv.slice(2, 5).map(Number);
const [command, ...commandArguments] = process.argv.slice(5);
let state = seed;
const random = () => (state = (state * 48271) % 2147483647) / 2147483647;
const sleep = (millis) => new Promise((resolve) => setTimeout(resolve, millis));

let server;
let kills = 0;

async function rpc(method, params) {
  const response = await fetch(`http://127.0.0.1:${port}/`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
  });
  const { result, error } = await response.json();
  if (error) throw Object.assign(new Error(error.data ?? error.message), { code: error.code });
  return result;
}

async function start() {
  server = spawn(command, commandArguments, { stdio: 'ignore' });
  for (let tries = 0; ; tries++) {
    assert.ok(tries < 600, 'the server does not come up');
    try { return await rpc('system_health', []); } catch { await sleep(100); }
  }
}

async function kill() {
  kills++;
  const ended = new Promise((resolve) => server.once('exit', resolve));
  server.kill('SIGKILL');
  await ended;
}

await start();
const api = await ApiPromise.create({ provider: new WsProvider(`ws://127.0.0.1:${port}`), noInitWarn: true });
await api.disconnect();
const miner = new Keyring({ type: 'sr25519' }).addFromUri('//Bob//hk');
const text = (nonce) => `commit ${nonce}`;

function signed(nonce) {
  const { genesisHash, runtimeVersion } = api;
  const fields = [{ [`Raw${text(nonce).length}`]: text(nonce) }];
  return api.tx.commitments.setCommitment(NETUID, { fields })
    .sign(miner, { era: 0, blockHash: genesisHash, genesisHash, nonce, runtimeVersion }).toHex();
}

let unanswered = 0;
for (let nonce = 0; nonce < commits; nonce++) {
  const extrinsic = signed(nonce);
  let doomed = random() < 0.05 ? sleep(random() * 20).then(kill) : undefined;
  for (let included = false; !included;) {
    try {
      await rpc('author_submitExtrinsic', [extrinsic]);
      included = true;
    } catch (failure) {
      // Included already, and the server died before it said so: outdated, or still in the open block.
      included = failure.code === 1013 || (failure.code === 1010 && failure.message.includes('outdated'));
      if (included) unanswered++;
      assert.ok(included || failure.code === undefined, failure.message);
    }
    if (doomed) {
      await doomed;
      doomed = undefined;
      await start();
    }
  }
}
await rpc('engine_createBlock', [true, false]);

assert.equal(await rpc('system_accountNextIndex', [miner.address]), commits);
const found = [];
const last = Number((await rpc('chain_getHeader', [])).number);
for (let number = 1; number <= last; number++) {
  const { block } = await rpc('chain_getBlock', [await rpc('chain_getBlockHash', [number])]);
  for (const bytes of block.extrinsics.slice(1)) {
    found.push(api.tx(api.createType('Extrinsic', bytes)).method.args[1].fields[0].value.toUtf8());
  }
}
assert.deepEqual(found, Array.from({ length: commits }, (_, nonce) => text(nonce)));
await kill();
console.log(`${commits} commits through ${kills} kills: each in one block, ${unanswered} of them never answered`);
process.exit(0);
