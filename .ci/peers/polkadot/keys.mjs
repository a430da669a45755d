// Random keys by @polkadot against ours, both ways: node keys.mjs COMMAND OF OUR PEER...
// SEED in the environment repeats a run.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createInterface } from 'node:readline';
import { Keyring } from '@polkadot/keyring';
import { hexToU8a, u8aToHex } from '@polkadot/util';
import { cryptoWaitReady, decodeAddress, encodeAddress, sr25519Verify } from '@polkadot/util-crypto';
import { entropyToMnemonic } from '@polkadot/util-crypto/mnemonic/bip39';

const KEYS = 1000;
const KEYSTORES = 5;

const seed = process.env.SEED ?? String(Date.now());
console.log(`seed ${seed}`);
let counter = 0;
const bytes = (length) => {
  const chunks = [];
  for (let got = 0; got < length; got += 64) {
    chunks.push(createHash('sha512').update(`${seed}/${counter++}`).digest());
  }
  return new Uint8Array(Buffer.concat(chunks).subarray(0, length));
};
const below = (bound) => Number(Buffer.from(bytes(6)).readUIntLE(0, 6) % bound);
const pick = (values) => values[below(values.length)];
const digits = (u8a) => u8aToHex(u8a).slice(2);

const ours = spawn(process.argv[2], process.argv.slice(3), { stdio: ['pipe', 'pipe', 'inherit'] });
const answers = createInterface({ input: ours.stdout })[Symbol.asyncIterator]();
const ask = async (question) => {
  ours.stdin.write(`${JSON.stringify(question)}\n`);
  const { value, done } = await answers.next();
  assert(!done, 'our peer has ended');
  return JSON.parse(value);
};

// Words, blanks, numbers of up to 64 bits and more than the 32 bytes that a junction holds.
const name = () =>
  pick([
    () => String(below(1000)),
    () => String(Buffer.from(bytes(8)).readBigUInt64LE()),
    () => Buffer.from(bytes(1 + below(30))).toString('base64url'),
    () => Buffer.from(bytes(40)).toString('hex').replace(/^0x/, 'x'),
    () => 'gr\u00fc\u00dfe \u4f60\u597d',
  ])();
const path = () => Array.from({ length: below(4) }, () => pick(['/', '//']) + name()).join('');
const root = () =>
  pick([
    () => entropyToMnemonic(bytes(pick([16, 20, 24, 28, 32]))),
    () => u8aToHex(bytes(32)),
  ])();

// It throws for bytes that are no element or scalar at all.
const accepts = (message, signature, publicKey) => {
  try {
    return sr25519Verify(message, signature, publicKey);
  } catch {
    return false;
  }
};

await cryptoWaitReady();
for (let i = 0; i < KEYS; i++) {
  const phrase = root();
  const password = phrase.startsWith('0x') || below(2) ? '' : `///${Buffer.from(bytes(9)).toString('base64')}`;
  const uri = phrase + path() + password;
  const prefix = pick([42, 42, 0, 2, 63, 64, 255, 16383, below(46), 64 + below(16320)]);
  const message = bytes(below(400));
  const key = new Keyring({ type: 'sr25519', ss58Format: prefix }).addFromUri(uri);
  const answer = await ask({ ask: 'key', uri, prefix, message: digits(message) });
  const what = `key ${i} of seed ${seed}: ${uri}`;
  assert.equal(answer.publicKey, digits(key.publicKey), what);
  assert.equal(answer.address, encodeAddress(key.publicKey, prefix), what);
  assert.deepEqual(decodeAddress(answer.address, false, prefix), key.publicKey, what);
  const decoded = await ask({ ask: 'decode', address: encodeAddress(key.publicKey, prefix), prefix });
  assert.equal(decoded.publicKey, answer.publicKey, what);

  // Our signature there, theirs here, and neither with a bit changed.
  const signature = hexToU8a(`0x${answer.signature}`);
  const bit = below(512);
  assert(accepts(message, signature, key.publicKey), what);
  signature[bit >> 3] ^= 1 << (bit & 7);
  assert(!accepts(message, signature, key.publicKey), what);
  const theirs = key.sign(message);
  const question = { ask: 'verify', publicKey: answer.publicKey, message: digits(message) };
  assert((await ask({ ...question, signature: digits(theirs) })).good, what);
  theirs[bit >> 3] ^= 1 << (bit & 7);
  assert(!(await ask({ ...question, signature: digits(theirs) })).good, what);
}
for (let i = 0; i < KEYSTORES; i++) {
  const password = Buffer.from(bytes(12)).toString('base64');
  const key = new Keyring({ type: 'sr25519', ss58Format: 42 }).addFromUri(root() + path());
  const { address } = await ask({ ask: 'keystore', keystore: key.toJson(password), password });
  assert.equal(address, key.address, `keystore ${i} of seed ${seed}`);
}
ours.stdin.end();
console.log(`@polkadot/util-crypto: ${KEYS} keys, addresses and signatures and ${KEYSTORES} keystores agree both ways`);
