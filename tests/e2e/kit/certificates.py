"""Certificates for tests, made by the openssl command.

    ca = Authority(folder, "ca");  server = ca.issue("server", cn="localhost", san="DNS:localhost,IP:127.0.0.1")
    ca.revoke(client); ca.write_crl();  ca.client_context(client)
"""
import shutil
import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path


def openssl(*arguments, cwd=None):
    done = subprocess.run(["openssl", *map(str, arguments)], cwd=cwd, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, f"openssl {arguments}: {done.stderr}"
    return done.stdout


@dataclass
class Pair:
    certificate: Path
    key: Path

    def replace(self, other):
        """As an operator renews: the new files in the place of the old ones."""
        for mine, new in ((self.certificate, other.certificate), (self.key, other.key)):
            fresh = mine.with_suffix(".new")
            shutil.copy(new, fresh)
            fresh.rename(mine)


class Authority:
    def __init__(self, folder, name="ca"):
        self.folder = Path(folder) / name
        self.folder.mkdir(parents=True)
        self.certificate, self.key, self.crl = (self.folder / f for f in ("ca.pem", "ca.key", "crl.pem"))
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", 30,
                "-subj", f"/CN=Test {name}", "-keyout", self.key, "-out", self.certificate)
        (self.folder / "index.txt").write_text("")
        (self.folder / "crlnumber").write_text("01\n")
        self.config = self.folder / "ca.cnf"
        self.config.write_text(f"[ca]\ndefault_ca = d\n[d]\ndatabase = {self.folder}/index.txt\n"
                               f"crlnumber = {self.folder}/crlnumber\ndefault_md = sha256\ndefault_crl_days = 30\n")

    def issue(self, name, cn, san="", subject="", days=30, passphrase=""):
        """subject: more of the name, "/O=Example"; passphrase: encrypts the key."""
        pair = Pair(self.folder / f"{name}.pem", self.folder / f"{name}.key")
        request, more = self.folder / f"{name}.csr", self.folder / f"{name}.ext"
        hidden = ["-passout", f"pass:{passphrase}"] if passphrase else ["-nodes"]
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", *hidden,
                "-subj", f"{subject}/CN={cn}", "-keyout", pair.key, "-out", request)
        more.write_text(f"subjectAltName = {san}\n" if san else "basicConstraints = CA:FALSE\n")
        openssl("x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self.key, "-CAcreateserial",
                "-days", days, "-extfile", more, "-out", pair.certificate)
        return pair

    def server(self, name="server", cn="localhost", san="DNS:localhost,IP:127.0.0.1", **more):
        return self.issue(name, cn, san, **more)

    def revoke(self, pair):
        openssl("ca", "-config", self.config, "-cert", self.certificate, "-keyfile", self.key, "-revoke",
                pair.certificate)

    def write_crl(self):
        fresh = self.crl.with_suffix(".new")
        openssl("ca", "-config", self.config, "-cert", self.certificate, "-keyfile", self.key, "-gencrl", "-out", fresh)
        fresh.rename(self.crl)
        return self.crl

    def client_context(self, pair=None, version=None, check=True):
        """A client's: trusts this authority, shows `pair`; version: ssl.TLSVersion, that one alone."""
        c = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        c.check_hostname = check
        c.load_verify_locations(self.certificate)
        if pair:
            c.load_cert_chain(pair.certificate, pair.key)
        if version:
            if version < ssl.TLSVersion.TLSv1_2:
                c.set_ciphers("ALL:@SECLEVEL=0")
            c.minimum_version = c.maximum_version = version
        return c
