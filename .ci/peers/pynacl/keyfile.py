"""Keyfiles as btcli encrypts them, by libsodium: keyfile.py WORK SN9..."""
import base64
import json
import os
import pathlib
import subprocess
import sys

import nacl.pwhash
import nacl.secret

SALT = bytes.fromhex("137183dff15a09bc9c90b5518739e9b1")
PASSWORD = "correct horse \u00e4 staple"
work = pathlib.Path(sys.argv[1])
sn9 = sys.argv[2:]


def variable(keyfile):
    return "BT_PW_" + str(keyfile).replace("/", "_").replace(".", "_").upper()


def hidden(name, password):
    key = name.encode()
    return base64.b64encode(bytes(b ^ key[i % len(key)] for i, b in enumerate(password.encode()))).decode()


def run(name, *args):
    keyfile = work / name / "coldkey"
    environment = dict(os.environ) | {variable(keyfile): hidden(variable(keyfile), PASSWORD)}
    command = [*sn9, "wallet", *args, "--wallet.path", str(work), "--wallet.name", name, "--json"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert PASSWORD not in done.stdout + done.stderr
    return json.loads(done.stdout)


def box():
    key = nacl.pwhash.argon2i.kdf(
        32,
        PASSWORD.encode(),
        SALT,
        opslimit=nacl.pwhash.argon2i.OPSLIMIT_SENSITIVE,
        memlimit=nacl.pwhash.argon2i.MEMLIMIT_SENSITIVE,
    )
    return nacl.secret.SecretBox(key)


# Ours, opened by libsodium.
address = run("ours", "new", "coldkey")["data"]["coldkey_ss58"]
file = (work / "ours" / "coldkey").read_bytes()
assert file[:5] == b"$NACL"
content = box().decrypt(file[5:])
key = json.loads(content)
assert key["ss58Address"] == address, key["ss58Address"]
assert set(key) == {"accountId", "publicKey", "privateKey", "secretPhrase", "secretSeed", "ss58Address"}, set(key)
assert len(key["secretPhrase"].split()) == 12 and len(key["privateKey"]) == 130

# Libsodium's, opened by us.
theirs = work / "theirs"
theirs.mkdir()
(theirs / "coldkey").write_bytes(b"$NACL" + box().encrypt(content))
signed = run("theirs", "sign", "--message", "hello", "--no-use-hotkey")
assert signed["signer_address"] == address, signed
print(f"PyNaCl {nacl.__version__}: keyfiles open both ways")
