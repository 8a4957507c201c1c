"""One end of SASL GSSAPI negotiations on MIT's GSS-API itself, through python-gssapi, with
the SASL part (RFC 4752) written here: it can seal what other peers leave in clear, and passes
on the error token that MIT makes. Driven over standard input and output by a test; the lines
are those of peer.c, with "mutual" and "sealed" (true or false) as options of its own, and
"E <hex>" for an error token, which is a refusal.
Usage: peer.py client|server SERVICE"""

import os
import sys

import gssapi
from gssapi import Name, NameType, RequirementFlag

role, service = sys.argv[1:3]
gssapi.SecurityContext.__DEFER_STEP_ERRORS__ = False  # an error at once, with the token that came with it
LAYER = b"\x01\x00\x00\x00"


def client(options):
    """Yields a kind and a token, and is sent what the other end has for it."""
    flags = [RequirementFlag.integrity, RequirementFlag.confidentiality, RequirementFlag.out_of_sequence_detection]
    if options["mutual"] == "true":
        flags.append(RequirementFlag.mutual_authentication)
    name = Name(f"{service}@{options['host']}", NameType.hostbased_service)
    context = gssapi.SecurityContext(name=name, usage="initiate", flags=flags, mech=gssapi.MechType.kerberos)
    token = context.step()
    while not context.complete:
        token = context.step((yield "T", token))
    offer = yield "T", token
    while not offer:
        offer = yield "T", b""
    layers = context.unwrap(offer).message
    if len(layers) != 4 or not layers[0] & 1:
        raise ValueError(f"offer {layers!r}")
    answer = LAYER + options.get("authzid", "").encode()
    yield "D", context.wrap(answer, options["sealed"] == "true").message


def server(options):
    name = Name(f"{service}@{options['host']}", NameType.hostbased_service)
    context = gssapi.SecurityContext(creds=gssapi.Credentials(name=name, usage="accept"), usage="accept")
    reply = context.step((yield))
    while reply or not context.complete:
        token = yield "T", reply
        reply = None if context.complete else context.step(token)
    answer = context.unwrap((yield "T", context.wrap(LAYER, options["sealed"] == "true").message)).message
    if answer != LAYER:
        raise ValueError(f"answer {answer!r}")
    yield "OK", str(context.initiator_name)


def begin(line):
    options = dict(option.split("=", 1) for option in line.split())
    for name, variable in (("keytab", "KRB5_KTNAME"), ("ccache", "KRB5CCNAME")):
        if name in options:
            os.environ[variable] = options[name]
    return client(options) if role == "client" else server(options)


def step(end, token):
    """What an end comes to: kind and rest of the line."""
    try:
        kind, out = end.send(token)
        return kind, out if kind == "OK" else (out or b"").hex()
    except gssapi.exceptions.GSSError as e:
        if getattr(e, "token", None):
            return "E", e.token.hex()
        return "ERR", str(e).replace("\n", " ")
    except ValueError as e:
        return "ERR", str(e)


end = None
for line in sys.stdin:
    if line.startswith("N "):
        end = begin(line[2:])
        if role == "server":
            next(end)
            continue
        print(*step(end, None), flush=True)
    else:
        print(*step(end, bytes.fromhex(line[2:].strip())), flush=True)
