// @polkadot/api against the embedded chain: chain.mjs ws://127.0.0.1:PORT. Exits 0 when all holds.
import assert from 'node:assert/strict';
import { ApiPromise, Keyring, WsProvider } from '@polkadot/api';

const NETUID = 9;
const provider = new WsProvider(process.argv[2]);
const api = await ApiPromise.create({ provider, noInitWarn: true });
const keyring = new Keyring({ type: 'sr25519', ss58Format: 42 });
const [alice, miner, validator, stranger] =
  ['//Alice', '//Bob//hk', '//Alice//hk', '//Nobody'].map((uri) => keyring.addFromUri(uri));

/** Signs, submits and watches until final; gives the block, the statuses and the events of the extrinsic. */
function send(call, signer, options = {}) {
  const seen = [];
  return new Promise((resolve, reject) => {
    call.signAndSend(signer, options, (result) => {
      seen.push(result.status.type);
      if (result.status.isFinalized) resolve({ ...result, block: result.status.asFinalized, seen });
      if (result.isError) reject(new Error(`ended as ${result.status.type}`));
    }).catch(reject);
  });
}

function errorName(result) {
  assert.ok(result.dispatchError?.isModule, 'a module error is expected');
  const { section, name } = api.registry.findMetaError(result.dispatchError.asModule);
  return `${section}.${name}`;
}

const commitment = (text) => ({ fields: [{ [`Raw${text.length}`]: text }] });

// Metadata, constants, runtime version.
assert.equal(api.runtimeVersion.specVersion.toNumber(), 393);
assert.equal(api.runtimeVersion.specName.toString(), 'node-subtensor');
assert.equal(api.registry.chainSS58, 42);
assert.equal(api.consts.system.blockHashCount.toNumber(), 2400);

// Storage: single values, maps, iteration, a subscription.
assert.equal((await api.query.subtensorModule.subnetworkN(NETUID)).toNumber(), 2);
assert.equal((await api.query.subtensorModule.uids(NETUID, miner.address)).unwrap().toNumber(), 0);
const keys = await api.query.subtensorModule.keys.entries(NETUID);
assert.deepEqual(keys.map(([key, who]) => [key.args[1].toNumber(), who.toString()]).sort(),
  [[0, miner.address], [1, validator.address]]);
assert.ok((await api.query.system.account(alice.address)).data.free.toBigInt() > 0n);

// A commitment is signed, included, read back, and seen by a subscription.
const text = 'my-org/my-model:0123456789abcdef';
const changes = [];
const unsubscribe = await api.query.commitments.commitmentOf(NETUID, miner.address, (value) => changes.push(value));
const committed = await send(api.tx.commitments.setCommitment(NETUID, commitment(text)), miner);
assert.deepEqual(committed.seen, ['Ready', 'InBlock', 'Finalized']);
assert.equal(committed.dispatchError, undefined);
assert.ok(committed.events.some(({ event }) => event.section === 'commitments' && event.method === 'Commitment'));
const stored = (await api.query.commitments.commitmentOf(NETUID, miner.address)).unwrap();
assert.equal(stored.info.fields[0].value.toUtf8(), text);
const at = await api.at(committed.block);
assert.ok((await at.query.system.events()).length >= 4);
assert.equal((await api.rpc.chain.getHeader(committed.block)).number.toNumber() >= stored.block.toNumber(), true);
assert.equal(changes.at(-1).unwrap().info.fields[0].value.toUtf8(), text);
unsubscribe();

// Weights, and a dispatch error of each pallet by name.
const version = 2021;
const weights = await send(api.tx.subtensorModule.setWeights(NETUID, [0, 1], [1, 2], version), validator);
assert.equal(weights.dispatchError, undefined);
assert.deepEqual((await api.query.subtensorModule.weights(NETUID, 1)).toJSON(), [[0, 32768], [1, 65535]]);
assert.equal(errorName(await send(api.tx.commitments.setCommitment(NETUID, commitment('x')), stranger)),
  'commitments.AccountNotAllowedCommit');
assert.equal(errorName(await send(api.tx.subtensorModule.setWeights(NETUID, [1], [1], version), miner)),
  'subtensorModule.NeuronNoValidatorPermit');
assert.equal(errorName(await send(api.tx.subtensorModule.setWeights(NETUID, [1, 1], [1, 1], version), validator)),
  'subtensorModule.DuplicateUids');
const tooMuch = await send(api.tx.balances.transferKeepAlive(miner.address, 10n ** 18n), alice);
assert.equal(tooMuch.dispatchError.toString(), '{"arithmetic":"Underflow"}');

// A fee, a transfer and a slot that is paid for.
const transfer = api.tx.balances.transferKeepAlive(stranger.address, 5_000_000_000);
assert.ok((await transfer.paymentInfo(alice)).partialFee.toNumber() > 0);
assert.equal((await send(transfer, alice)).dispatchError, undefined);
const slot = await send(api.tx.subtensorModule.burnedRegister(NETUID, keyring.addFromUri('//New').address), stranger);
assert.equal(slot.dispatchError, undefined);
assert.equal(errorName(await send(api.tx.subtensorModule.burnedRegister(NETUID, miner.address), stranger)),
  'subtensorModule.HotKeyAlreadyRegisteredInSubNet');

// Root sets what the subnet asks for; commit and reveal.
const sudo = (call) => send(api.tx.sudo.sudo(call), alice);
await sudo(api.tx.adminUtils.sudoSetCommitRevealWeightsEnabled(NETUID, true));
assert.equal((await api.query.subtensorModule.commitRevealWeightsEnabled(NETUID)).isTrue, true);
assert.equal(errorName(await send(api.tx.subtensorModule.setWeights(NETUID, [0], [1], version), validator)),
  'subtensorModule.CommitRevealEnabled');
const hash = api.registry.createType('(AccountId, u16, Vec<u16>, Vec<u16>, Vec<u16>, u64)',
  [validator.address, NETUID, [0], [65535], [7, 8], version]).hash;
assert.equal((await send(api.tx.subtensorModule.commitWeights(NETUID, hash), validator)).dispatchError, undefined);
const reveal = () => send(api.tx.subtensorModule.revealWeights(NETUID, [0], [65535], [7, 8], version), validator);
assert.equal(errorName(await reveal()), 'subtensorModule.RevealTooEarly');
const due = (await api.query.subtensorModule.weightCommits(NETUID, validator.address)).unwrap()[0][2].toNumber();
while ((await api.rpc.chain.getHeader()).number.toNumber() < due) await provider.send('engine_createBlock', [true, false]);
assert.equal((await reveal()).dispatchError, undefined);
assert.deepEqual((await api.query.subtensorModule.weights(NETUID, 1)).toJSON(), [[0, 65535]]);

// What never comes into a block.
const refused = async (promise, words) => assert.rejects(promise, (e) => e.message.includes('1010') && e.message.includes(words));
const call = api.tx.commitments.setCommitment(NETUID, commitment('y'));
await refused(send(call, miner, { nonce: 0 }), 'outdated');
const forged = call.sign(miner, {
  era: 0, blockHash: api.genesisHash, genesisHash: api.genesisHash, nonce: 1, runtimeVersion: api.runtimeVersion,
});
const bytes = forged.toU8a();
bytes[50] ^= 1;
await refused(api.rpc.author.submitExtrinsic('0x' + Buffer.from(bytes).toString('hex')), 'bad signature');
await refused(send(call, miner, { era: 0, genesisHash: '0x' + '11'.repeat(32), blockHash: '0x' + '11'.repeat(32) }), 'bad signature');
const wrongEra = api.registry.createType('ExtrinsicEra', { current: 3, period: 64 });
await refused(send(call, miner, { era: wrongEra.toU8a(), blockHash: api.genesisHash }), '');
await refused(send(api.tx.subtensorModule.serveAxon(NETUID, 1, 0x7f000001, 8091, 4, 4, 0, 0), miner), 'Custom error: 11');
await refused(send(api.tx.balances.transferKeepAlive(alice.address, 1), keyring.addFromUri('//Poor')), 'pay some fees');

// Runtime APIs.
const neurons = await api.call.neuronInfoRuntimeApi.getNeuronsLite(NETUID);
assert.equal(neurons.length, 3);
assert.equal(neurons[0].hotkey.toString(), miner.address);
const metagraph = (await api.call.subnetInfoRuntimeApi.getMetagraph(NETUID)).unwrap();
assert.equal(metagraph.numUids.toNumber(), 3);
const selected = (await api.call.subnetInfoRuntimeApi.getSelectiveMetagraph(NETUID, [0, 52, 53])).unwrap();
assert.equal(selected.hotkeys.unwrap()[1].toString(), validator.address);
assert.equal((await api.call.accountNonceApi.accountNonce(miner.address)).toNumber(),
  (await api.rpc.system.accountNextIndex(miner.address)).toNumber());

console.log('@polkadot/api and the embedded chain agree');
await api.disconnect();
