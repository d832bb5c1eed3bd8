#!/usr/bin/env python3
"""What looks like SQL, or like somebody's format string, in every field that a request or a file may fill: it is kept
as it is or refused with a problem, and the tables are as before.  On both engines."""

import json
import pathlib
import shutil
import sys
import tempfile
import unittest
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
from runtime import CONCERT, Runtime, claims_of, command, timed_main, until  # noqa: E402

VALUES = ("'; DROP TABLE seat_row; --", "'", "''", "\\", "\\'; DROP TABLE seat_row; --", "\u02bc; DROP TABLE seat_row; --",
          '"', '" OR ""="', "' OR '1'='1", "$1", "$$", "?", "?1", ":a", "%s", "%n%n%n", "{}", "%27", "a;b", "\u202e", "*",
          "E'\\x27'", "/*", "rp_saga")
# As JSON has it, and as a path has it: refused, since no text holds them.
NO_TEXT = ((b'"a\\u0000b"', "a%00b"), (b'"\xff\xfe"', "%FF%FE"), (b'"\xc0\xa7"', "%C0%A7"), (b'"\\ud800"', "%ED%A0%80"))
ENV = {"START_POINTS": "50000", "QUEUE_ADMIT_PER_SECOND": "1000000"}
TABLES = {"embedded": "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY 1",
          "cluster": "SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema() ORDER BY 1"}


class Requests(unittest.TestCase):
    def setUp(self):
        self.runtime = self.enterContext(Runtime(env=ENV))
        self.ask = self.runtime.ask
        self.token = self.runtime.token("ann")

    def tables(self):
        """The names of all tables, and how many seats there are; the runtime is stopped meanwhile."""
        self.assertEqual(self.runtime.stop(within=60), 0, self.runtime.log)
        names = self.runtime.rows(TABLES["cluster" if self.runtime.cluster else "embedded"])
        seats = self.runtime.rows("SELECT count(*) FROM seat_row")
        self.runtime.start()
        return names, [tuple(map(int, row)) for row in seats]

    def answered(self, answer, *allowed):
        """With one of these, or with a problem that says what is wrong."""
        if answer.status not in allowed:
            self.assertIn(answer.status, (400, 401, 403, 404, 409, 422), answer)
            self.assertTrue(answer.code, answer)

    def test_row_33_what_looks_like_sql_is_kept_as_it_is_or_refused(self):
        before = self.tables()
        for number, value in enumerate(VALUES):
            with self.subTest(value):
                self.as_a_user(number, value)
                self.everywhere_else(value, urllib.parse.quote(value, safe=""))
        for literal, path in NO_TEXT:
            with self.subTest(literal):
                self.in_every_body(literal, refused=True)
                self.in_every_path(path, refused=True)
        self.assertEqual(self.tables(), before)
        self.assertEqual(self.runtime.stop(within=60), 0)
        kept = {row[0] for row in self.runtime.rows("SELECT DISTINCT customer FROM reservation_row")}
        self.assertEqual(kept, set(VALUES))
        self.assertEqual(self.runtime.audit(), (0, ""))

    def as_a_user(self, number, value):
        """A customer of this name queues, reserves, pays and gets points; everything says the name as it is."""
        answer = self.ask("POST", "/queue", {"userId": value})
        self.assertEqual(answer.status, 200, answer)
        token = answer.json()["token"]
        self.assertEqual(claims_of(token)["sub"], value)
        until("admitted", lambda: self.ask("POST", "/queue/status", {"token": token}).json()["status"] == "available",
              within=60)
        seat = f"{'ABCDE'[number // 10]}-{number % 10 + 1}"
        accepted = self.ask("POST", "/reservations", {"seatId": seat}, bearer=token, key=f"r{number}")
        self.assertEqual(accepted.status, 202, accepted)
        reservation = accepted.json()["reservationId"]
        self.runtime.wait_for_status(reservation, token, "HELD", within=60)
        self.assertEqual(self.ask("GET", f"/reservations/{reservation}", bearer=token).json()["userId"], value)
        paid = self.ask("POST", "/payments", {"reservationId": reservation}, bearer=token, key=f"p{number}")
        self.assertEqual(paid.status, 200, paid)
        path = "/users/" + urllib.parse.quote(value, safe="")
        given = self.ask("POST", path + "/points", {"amount": 7}, key=f"g{number}")
        self.assertEqual((given.status, given.json()), (200, {"userId": value, "points": 7}), given)
        self.assertEqual(self.ask("GET", path).json(), {"userId": value, "points": 7})

    def everywhere_else(self, value, path):
        self.in_every_body(json.dumps(value).encode())
        self.in_every_path(path)
        if value.isascii() and value.isprintable():
            self.answered(self.ask("POST", "/payments", {"reservationId": "x"}, bearer=self.token, key=value))
            self.answered(self.ask("POST", "/reservations", {"seatId": "Z"}, bearer=self.token, key=value))
            self.answered(self.ask("GET", "/reservations/x", bearer=value))

    def in_every_body(self, literal, refused=False):
        for path, field in (("/queue", b"userId"), ("/queue/status", b"token"), ("/reservations", b"seatId"),
                            ("/payments", b"reservationId"), ("/users/ann/points", b"amount")):
            for body in (b'{"%s": %s}' % (field, literal), b'{"%s": "a", %s: 1}' % (field, literal)):
                answer = self.ask("POST", path, body, bearer=self.token, key="body")
                self.answered(answer, *(() if refused else (200,)))
                if refused:
                    self.assertEqual((answer.status, answer.code), (400, "body.invalid_json"), (path, body))

    def in_every_path(self, text, refused=False):
        for path in ("/users/{}", "/reservations/{}", "/payments/{}", "/push?ticket={}", "/problems/{}", "/{}",
                     "/api/v1/sagas/{}", "/api/v1/sagas?pipeline={}", "/api/v1/sagas?state={}", "/api/v1/sagas?subject={}",
                     "/api/v1/sagas?before={}", "/api/v1/sagas?limit={}", "/api/v1/dlq/{}", "/api/v1/dlq?pipeline={}"):
            answer = self.ask("GET", path.format(text), bearer=None if "ticket" in path else self.token)
            self.answered(answer, *(() if refused else (200,)))


class Identifiers(unittest.TestCase):
    """In files: names are letters, digits and dashes, or the file is refused with the place."""

    def test_row_33_names_in_yaml_that_look_like_sql_are_refused_with_their_place(self):
        places = (("reservation", "pipeline: reservation"), ("reservation", "  hold-seat:"), ("reservation", "  tell-expired:"),
                  ("reservation", "subject: reservationId"), ("reservation", "start: requested"),
                  ("reservation", "key: seatId"), ("reservation", "plugin: reservation.hold"), ("reservation", "id: reservationId"),
                  ("points", "/users/{id}/points"), ("points", "amount:"), ("payment", "lock: userId"))
        with tempfile.TemporaryDirectory(prefix="reprise-e2e-") as folder:
            for number, (file, text) in enumerate(places):
                for evil in ("x'; DROP TABLE seat_row; --", 'x"y', "x$1", "x%s", "x;y"):
                    with self.subTest(f"{file}: {text} {evil}"):
                        copy = pathlib.Path(folder) / f"{number}-{abs(hash(evil))}"
                        shutil.copytree(CONCERT, copy)
                        path = copy / f"{file}.yaml"
                        path.write_text(path.read_text().replace(text, self.spoilt(text, evil), 1))
                        said = command("lint", copy)
                        self.assertEqual(said.returncode, 1, said)
                        self.assertRegex(said.stderr + said.stdout, rf"{file}\.yaml:\d+:\d+: error\[RPR")

    @staticmethod
    def spoilt(text, evil):
        if text.startswith("/"):
            return text.replace("{id}", "{" + evil.replace(":", "") + "}")
        name, _, value = text.partition(":")
        quoted = json.dumps(evil)
        return f"{name}: {quoted}" if value else f"{name[:len(name) - len(name.lstrip())]}{quoted}:"


if __name__ == "__main__":
    timed_main()
