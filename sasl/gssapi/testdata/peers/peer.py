"""One end of a SASL GSSAPI negotiation on MIT's GSS-API itself, through python-gssapi, with
the SASL part (RFC 4752) written here: it can seal what other peers leave in clear, and passes
on the error token that MIT makes. Driven over standard input and output by a test; the lines
are those of peer.c, and "E <hex>" for an error token, after which it ends.
Usage: peer.py client|server SERVICE HOST mutual|plain clear|sealed"""

import sys

import gssapi
from gssapi import Name, NameType, RequirementFlag

role, service, host, mutual, protection = sys.argv[1:6]
NAME = Name(f"{service}@{host}", NameType.hostbased_service)
SEALED = protection == "sealed"


def put(kind, token):
    print(kind, (token or b"").hex(), flush=True)


def get():
    line = sys.stdin.readline()
    if not line.startswith("T "):
        sys.exit(0)
    return bytes.fromhex(line[2:].strip())


def client():
    flags = [RequirementFlag.integrity, RequirementFlag.confidentiality, RequirementFlag.out_of_sequence_detection]
    if mutual == "mutual":
        flags.append(RequirementFlag.mutual_authentication)
    context = gssapi.SecurityContext(name=NAME, usage="initiate", flags=flags, mech=gssapi.MechType.kerberos)
    token = context.step()
    while not context.complete:
        put("T", token)
        token = context.step(get())
    if token or mutual != "mutual":
        put("T", token)
    else:
        put("T", b"")
    offer = get()
    while not offer:
        put("T", b"")
        offer = get()
    layers = context.unwrap(offer).message
    if len(layers) != 4 or not layers[0] & 1:
        raise ValueError(f"offer {layers!r}")
    put("D", context.wrap(b"\x01\x00\x00\x00", SEALED).message)


def server():
    credentials = gssapi.Credentials(name=NAME, usage="accept")
    context = gssapi.SecurityContext(creds=credentials, usage="accept")
    while not context.complete:
        token = context.step(get())
        if token or not context.complete:
            put("T", token)
            if context.complete:
                get()
    put("T", context.wrap(b"\x01\x00\x00\x00", SEALED).message)
    answer = context.unwrap(get()).message
    if answer != b"\x01\x00\x00\x00":
        raise ValueError(f"answer {answer!r}")
    print("OK", context.initiator_name, flush=True)


try:
    client() if role == "client" else server()
except gssapi.exceptions.GSSError as e:
    if getattr(e, "token", None):
        put("E", e.token)
    else:
        print("ERR", str(e).replace("\n", " "), flush=True)
except ValueError as e:
    print("ERR", e, flush=True)
