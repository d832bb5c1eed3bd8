"""The servers again, as a network that nobody trusts wants them: TLS with certificates made here, users with rights.

A part has its keys in its folder; `CA.file` is what clients trust.
"""
import pathlib
import secrets
import shutil

import parts
from processes import free_port


class CA:
    """A certificate authority in a folder of its own."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.file = self.folder / "ca.crt"
        self._key = self.folder / "ca.key"
        parts.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", self._key, "-out", self.file,
                   "-days", "2", "-subj", f"/CN=reprise test {self.folder.name}"])

    def issue(self, folder, host="127.0.0.1"):
        """A key and a certificate for `host`: (key file, certificate file) in `folder`."""
        key, request, made = (pathlib.Path(folder) / name for name in ("server.key", "server.csr", "server.crt"))
        extensions = pathlib.Path(folder) / "extensions"
        kind = "IP" if host[0].isdigit() else "DNS"
        extensions.write_text(f"subjectAltName={kind}:{host}\n")
        parts.run(["openssl", "req", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", request,
                   "-subj", f"/CN={host}"])
        parts.run(["openssl", "x509", "-req", "-in", request, "-CA", self.file, "-CAkey", self._key, "-CAcreateserial",
                   "-days", "2", "-out", made, "-extfile", extensions])
        key.chmod(0o600)
        return key, made


def kinds(ca):
    """Parts for Servers, with certificates of `ca`."""

    class Postgres(parts.Postgres):
        """Takes nobody without TLS."""

        def prepare(self):
            super().prepare()
            data = self.folder / "data"
            key, made = ca.issue(self.folder)
            for file in (key, made):
                if self.user:
                    shutil.chown(file, self.user, self.user)
            with open(data / "postgresql.conf", "a", encoding="utf-8") as settings:
                settings.write(f"ssl = on\nssl_cert_file = '{made}'\nssl_key_file = '{key}'\n")
            (data / "pg_hba.conf").write_text("hostssl all all 127.0.0.1/32 scram-sha-256\n")

        def environment(self):
            name, url = super().environment()
            return name, f"{url}?sslmode=verify-full&sslrootcert={ca.file}"

    class Kafka(parts.Kafka):
        """Clients come over TLS and say who they are; the broker and the test's probe have a door of their own.

        PLAIN, not SCRAM: since Kafka 3.7.2 no librdkafka before 2.6.1 passes SCRAM (its nonce, librdkafka issue 4895).
        """
        settings = parts.Kafka.settings.replace("PLAINTEXT:PLAINTEXT,", "PLAINTEXT:PLAINTEXT,CLIENTS:SASL_SSL,")

        def prepare(self):
            password = self.kept.setdefault("password", secrets.token_urlsafe(18))
            self.kept.setdefault("clients", free_port())
            key, made = ca.issue(self.folder)
            store = self.folder / "server.pem"
            store.touch(mode=0o600)
            store.write_text(key.read_text() + made.read_text())
            self.settings += (
                f"ssl.keystore.type=PEM\nssl.keystore.location={store}\nsasl.enabled.mechanisms=PLAIN\n"
                "listener.name.clients.plain.sasl.jaas.config="
                f'org.apache.kafka.common.security.plain.PlainLoginModule required user_reprise="{password}";\n')
            super().prepare()
            (self.folder / "server.properties").chmod(0o600)

        def listeners(self):
            return [*super().listeners(), ("CLIENTS", self.kept["clients"])]

        def environment(self):
            return "REPRISE_KAFKA", f"127.0.0.1:{self.kept['clients']}"

    class Redis(parts.Redis):
        """A user that may do what the runtime needs, with its own keys and channels, and nothing else."""
        prefix = "concert-tls"

        def prepare(self):
            super().prepare()
            settings = self.folder / "redis.conf"
            settings.write_text(settings.read_text() + (
                f"user shop on >{self.kept.setdefault('shop', secrets.token_urlsafe(18))} ~{self.prefix}:* "
                f"resetchannels &{self.prefix}:* -@all +ping +select +eval +evalsha +info +get +set +del "
                "+publish +subscribe\n"))

        def environment(self):
            return "REPRISE_REDIS", f"redis://shop:{self.kept['shop']}@127.0.0.1:{self.port}/0"

    return {"postgres": Postgres, "kafka": Kafka, "redis": Redis}
