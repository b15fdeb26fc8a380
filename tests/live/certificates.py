# SPDX-FileCopyrightText: The Fedway authors
# SPDX-License-Identifier: Apache-2.0
"""Certificates for tests: an authority of the lab, and what it signs, good or faulty in one named way.

Used by peers.py, ejabberd.py, fedway.py and by the tests of TLS. Everything is a file in the folder that the caller
names; nothing here knows XMPP but the two names that RFC 6120 §13.7.1.4 gives to servers.
"""
import datetime
import os
import ssl
import warnings

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

SRV_NAME = x509.ObjectIdentifier("1.3.6.1.5.5.7.8.7")
XMPP_ADDR = x509.ObjectIdentifier("1.3.6.1.5.5.7.8.5")
IA5_STRING, UTF8_STRING = 0x16, 0x0c
USAGES = {"server": ExtendedKeyUsageOID.SERVER_AUTH, "client": ExtendedKeyUsageOID.CLIENT_AUTH,
          "mail": ExtendedKeyUsageOID.EMAIL_PROTECTION}
DAY = datetime.timedelta(days=1)


def now():
    return datetime.datetime.now(datetime.timezone.utc)


def other_name(oid, tag, text):
    """An otherName whose value is one short string."""
    value = text.encode()
    assert len(value) < 128
    return x509.OtherName(oid, bytes([tag, len(value)]) + value)


def alternative_names(dns=(), srv=(), xmpp=()):
    return ([x509.DNSName(name) for name in dns] + [other_name(SRV_NAME, IA5_STRING, name) for name in srv]
            + [other_name(XMPP_ADDR, UTF8_STRING, name) for name in xmpp])


def subject(name):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])])


def make_key(kind="ec"):
    return rsa.generate_private_key(65537, 1024) if kind == "rsa1024" else ec.generate_private_key(ec.SECP256R1())


def text_of(*certificates):
    return b"".join(c.public_bytes(serialization.Encoding.PEM) for c in certificates)


def write(path, data):
    with open(path, "wb") as f:
        f.write(data)
    os.chmod(path, 0o600)
    return path


class Pair:
    """A certificate with its chain and its key: the files, one file with both, and contexts of ssl."""

    def __init__(self, folder, name, x509_certificate, key, chain=()):
        os.makedirs(folder, exist_ok=True)
        self.x509, self.private = x509_certificate, key
        words = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                  serialization.NoEncryption())
        certificates = text_of(x509_certificate, *chain)
        self.certificate = write(f"{folder}/{name}.crt", certificates)
        self.key = write(f"{folder}/{name}.key", words)
        self.both = write(f"{folder}/{name}.pem", certificates + words)

    @property
    def files(self):
        return self.certificate, self.key

    def serve(self, **more):
        return context(ssl.PROTOCOL_TLS_SERVER, self, **more)

    def connect(self, **more):
        return context(ssl.PROTOCOL_TLS_CLIENT, self, **more)


def context(side=ssl.PROTOCOL_TLS_CLIENT, pair=None, old=False, alpn=(), asks=None):
    """TLS that trusts everybody; TLS 1.1 at best when `old`; `asks`, an Authority, whose certificates are wanted."""
    made = ssl.SSLContext(side)
    made.check_hostname = False
    made.verify_mode = ssl.CERT_NONE
    with warnings.catch_warnings():  # Python warns of the old protocols, which are wanted here
        warnings.simplefilter("ignore", DeprecationWarning)
        if old:
            made.minimum_version = ssl.TLSVersion.TLSv1
            made.maximum_version = ssl.TLSVersion.TLSv1_1
    made.set_ciphers("ALL:@SECLEVEL=0")  # what is weak is shown too: the other side is to judge
    if pair is not None:
        made.load_cert_chain(*pair.files)
    if alpn:
        made.set_alpn_protocols(list(alpn))
    if asks is not None:
        made.verify_mode = ssl.CERT_OPTIONAL
        made.load_verify_locations(asks.file)
    return made


def build(name, key, issuer_name, issuer_key, days, extensions, sign=hashes.SHA256):
    """Signs; `days` are from and until, counted from now."""
    builder = (x509.CertificateBuilder().subject_name(subject(name)).issuer_name(issuer_name)
               .public_key(key.public_key()).serial_number(x509.random_serial_number())
               .not_valid_before(now() + days[0] * DAY).not_valid_after(now() + days[1] * DAY))
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    with warnings.catch_warnings():  # cryptography warns of SHA-1, which a test may want
        warnings.simplefilter("ignore")
        return builder.sign(issuer_key, sign())


def end_entity(key, names, usage):
    """The extensions of a server's certificate."""
    rows = [(x509.BasicConstraints(ca=False, path_length=None), True),
            (x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)]
    if names:
        rows.append((x509.SubjectAlternativeName(names), False))
    if usage:
        rows.append((x509.ExtendedKeyUsage([USAGES[word] for word in usage]), False))
    return rows


def self_signed(folder, *domains, days=(-1, 30)):
    """A Pair that nobody vouches for, with each domain as dNSName."""
    key = make_key()
    made = build(domains[0], key, subject(domains[0]), key, days, end_entity(key, alternative_names(domains), None))
    return Pair(folder, domains[0], made, key)


class Authority:
    """A certificate authority of the lab: `file` is what one has to trust, `crl` what it has revoked."""

    def __init__(self, folder, name="Lab CA", above=None):
        os.makedirs(folder, exist_ok=True)
        self.folder, self.above, self.name = folder, above, subject(name)
        self.private, self.revoked, self.issued = make_key(), [], 0
        usage = x509.KeyUsage(digital_signature=False, content_commitment=False, key_encipherment=False,
                              data_encipherment=False, key_agreement=False, key_cert_sign=True, crl_sign=True,
                              encipher_only=False, decipher_only=False)
        signer = above or self
        self.x509 = build(name, self.private, signer.name, signer.private, (-2, 3650),
                          [(x509.BasicConstraints(ca=True, path_length=None), True), (usage, True),
                           (x509.SubjectKeyIdentifier.from_public_key(self.private.public_key()), False)])
        self.file = write(f"{folder}/{name.replace(' ', '-').lower()}.pem", text_of(self.x509))
        self.crl = f"{folder}/{name.replace(' ', '-').lower()}.crl"
        self.write_crl()

    def intermediate(self, name="Lab intermediate CA"):
        """An authority below this one."""
        return Authority(f"{self.folder}/{name.replace(' ', '-').lower()}", name, above=self)

    def chain(self):
        """The certificates between what this authority issues and the trusted one."""
        return [] if self.above is None else [self.x509, *self.above.chain()]

    def issue(self, *domains, dns=(), srv=(), xmpp=(), usage=("server", "client"), days=(-1, 30), kind="ec",
              sign=hashes.SHA256, chain=True, name=None):
        """A Pair for `domains` (dNSName) and the other names; what is faulty is said by the caller."""
        key = make_key(kind)
        self.issued += 1
        first = name or next(iter([*domains, *dns, *srv, *xmpp]))
        names = alternative_names([*domains, *dns], srv, xmpp)
        made = build(first, key, self.name, self.private, days, end_entity(key, names, usage), sign)
        return Pair(self.folder, f"{self.issued}-{first.replace('*', 'any')}", made, key,
                    self.chain() if chain else ())

    def revoke(self, pair):
        self.revoked.append(pair.x509.serial_number)
        self.write_crl()
        return pair

    def write_crl(self):
        builder = (x509.CertificateRevocationListBuilder().issuer_name(self.name)
                   .last_update(now() - DAY).next_update(now() + 30 * DAY))
        for number in self.revoked:
            builder = builder.add_revoked_certificate(
                x509.RevokedCertificateBuilder().serial_number(number).revocation_date(now() - DAY).build())
        made = builder.sign(self.private, hashes.SHA256())
        write(self.crl, made.public_bytes(serialization.Encoding.PEM))


def faulty(authority, domain, stranger="elsewhere.example"):
    """One Pair for each way in which a certificate for `domain` can be bad, by its name."""
    below = authority.intermediate()
    return {
        "expired": authority.issue(domain, days=(-60, -1)),
        "not yet valid": authority.issue(domain, days=(1, 30)),
        "self-signed": self_signed(f"{authority.folder}/alone", domain),
        "unknown authority": Authority(f"{authority.folder}/unknown", "Unknown CA").issue(domain),
        "wrong name": authority.issue(stranger),
        "name only as CN": authority.issue(stranger, name=domain),
        "no names": authority.issue(name=domain),
        "revoked": authority.revoke(authority.issue(domain)),
        "missing intermediate": below.issue(domain, chain=False),
        "server-only": authority.issue(domain, usage=("server",)),
        "client-only": authority.issue(domain, usage=("client",)),
        "mail-only": authority.issue(domain, usage=("mail",)),
        "weak key": authority.issue(domain, kind="rsa1024"),
        "weak signature": authority.issue(domain, sign=hashes.SHA1),
    }
