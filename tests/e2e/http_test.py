#!/usr/bin/env python3
"""The concert over HTTP: every request, status and code that a customer can meet."""

import collections
import contextlib
import hashlib
import http.client
import json
import pathlib
import re
import threading
import time
import unittest

from runtime import ENGINE, Client, Runtime, Stream, claims_of, command, forge, segment, until

SECRET = "a secret of the tests, longer than 32 bytes"
ADMIN = "the-admin-of-the-tests"
PRICE = 50000
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
OPEN_DOORS = {"QUEUE_JWT_SECRET": SECRET, "QUEUE_ADMIT_PER_SECOND": "1000000"}


class Concert(unittest.TestCase):
    """One runtime for all tests of the class; each takes seats and customers of its own."""

    env = {}
    options = ()

    @classmethod
    def setUpClass(cls):
        cls.runtime = cls.enterClassContext(
            Runtime(env={**OPEN_DOORS, "START_POINTS": str(PRICE), **cls.env}, options=cls.options))
        cls.ask = cls.runtime.ask

    def refused(self, answer, status, code):
        self.assertEqual((answer.status, answer.code), (status, code), answer)
        problem = answer.json()
        self.assertEqual(problem["status"], status)
        self.assertEqual(problem["type"], f"/problems/{code}")
        self.assertTrue(problem["title"])
        page = self.ask("GET", problem["type"])  # the type leads somewhere
        self.assertEqual((page.status, page.json()["code"]), (200, code), page)
        self.assertTrue(page.json()["about"] and page.json()["remedy"], page)
        if status == 401:
            self.assertIn("Bearer", answer.headers.get("www-authenticate", ""))

    def pay(self, reservation, bearer, key):
        return self.ask("POST", "/payments", {"reservationId": reservation}, bearer=bearer, key=key)


class Queue(Concert):
    def test_a_place_in_line_is_a_signed_token_with_its_times(self):
        answer = self.ask("POST", "/queue", {"userId": "ann"})
        self.assertEqual(answer.status, 200, answer)
        place = answer.json()
        self.assertEqual(set(place), {"token", "position", "activeAt", "expireAt"})
        self.assertGreaterEqual(place["position"], 1)
        self.assertRegex(place["activeAt"], INSTANT)
        self.assertRegex(place["expireAt"], INSTANT)
        claims = claims_of(place["token"])
        self.assertEqual(claims["sub"], "ann")
        self.assertTrue(claims["jti"])
        self.assertEqual(claims["exp"] - claims["nbf"], 600)
        for name in ("iat", "nbf", "exp"):
            self.assertEqual(claims[name], claims[name + "Ms"] // 1000)
        self.assertEqual(place["token"], forge(claims, SECRET), "HS256 over the claims, nothing else")

    def test_positions_rise_one_by_one(self):
        first, second = (self.ask("POST", "/queue", {"userId": u}).json() for u in ("bea", "cid"))
        self.assertEqual(second["position"], first["position"] + 1)
        self.assertGreaterEqual(second["activeAt"], first["activeAt"])

    def test_the_status_is_told_for_a_token_in_the_body_or_as_bearer(self):
        place = self.ask("POST", "/queue", {"userId": "dan"}).json()
        for answer in (self.ask("POST", "/queue/status", {"token": place["token"]}),
                       self.ask("POST", "/queue/status", bearer=place["token"]),
                       self.ask("POST", "/queue/status", {}, bearer=place["token"])):
            self.assertEqual(answer.status, 200, answer)
            status = answer.json()
            self.assertEqual(status.pop("status"), "available")
            self.assertEqual(status, {k: place[k] for k in ("position", "activeAt", "expireAt")})

    def test_a_status_without_a_token_or_with_a_bad_one_is_401(self):
        self.refused(self.ask("POST", "/queue/status", {}), 401, "invalid_token")
        self.refused(self.ask("POST", "/queue/status", {"token": "nonsense"}), 401, "invalid_token")
        self.refused(self.ask("POST", "/queue/status", bearer="nonsense"), 401, "invalid_token")


class ForgedTokens(Concert):
    def setUp(self):
        self.claims = claims_of(self.ask("POST", "/queue", {"userId": "eve"}).json()["token"])

    def refused_everywhere(self, token, code="invalid_token"):
        for method, path, body in (("POST", "/queue/status", None), ("POST", "/reservations", {"seatId": "E-10"}),
                                   ("GET", "/reservations/x", None), ("GET", "/payments/x", None),
                                   ("POST", "/push/ticket", None), ("GET", "/push", None)):
            with self.subTest(path=path):
                self.refused(self.ask(method, path, body, bearer=token), 401, code)
        self.refused(self.pay("x", token, "forged"), 401, code)

    def test_what_the_tests_sign_with_the_right_key_is_taken(self):
        self.assertEqual(self.ask("POST", "/queue/status", bearer=forge(self.claims, SECRET)).status, 200)

    def test_alg_none_is_refused(self):
        for header in ({"alg": "none", "typ": "JWT"}, {"alg": "None"}, {"typ": "JWT"}):
            unsigned = segment(header) + "." + segment(self.claims) + "."
            self.refused_everywhere(unsigned)
        self.refused_everywhere(forge(self.claims, SECRET, {"alg": "none", "typ": "JWT"}))

    def test_another_key_is_refused(self):
        self.refused_everywhere(forge(self.claims, "another secret that is as long as the real one"))
        self.refused_everywhere(forge(self.claims, ""))

    def test_another_algorithm_is_refused_even_under_the_right_key(self):
        self.refused_everywhere(forge(self.claims, SECRET, {"alg": "HS512", "typ": "JWT"}, hashlib.sha512))
        self.refused_everywhere(forge(self.claims, SECRET, {"alg": "RS256", "typ": "JWT"}))

    def test_changed_claims_under_an_old_signature_are_refused(self):
        head, _, signature = forge(self.claims, SECRET).split(".")
        self.refused_everywhere(f"{head}.{segment({**self.claims, 'sub': 'mallory'})}.{signature}")
        self.refused_everywhere(forge(self.claims, SECRET) + ".x")

    def test_a_ticket_is_no_token_and_a_token_no_ticket(self):
        token = forge(self.claims, SECRET)
        ticket = self.ask("POST", "/push/ticket", bearer=token).json()["ticket"]
        self.refused(self.ask("POST", "/reservations", {"seatId": "E-10"}, bearer=ticket), 401, "invalid_token")
        self.refused(self.ask("POST", "/queue/status", bearer=ticket), 401, "invalid_token")
        self.refused(self.ask("GET", f"/push?ticket={token}"), 401, "invalid_token")


class TokensByTime(Concert):
    env = {"QUEUE_ADMIT_PER_SECOND": "1", "QUEUE_VALID_FOR": "1s"}

    def test_before_its_time_a_token_does_not_admit_and_after_it_it_still_identifies(self):
        for i in range(60):
            last = self.ask("POST", "/queue", {"userId": f"late{i}"}).json()
        early = self.ask("POST", "/reservations", {"seatId": "A-1"}, bearer=last["token"])
        self.refused(early, 403, "not_active")
        self.assertEqual(self.ask("POST", "/queue/status", bearer=last["token"]).json()["status"],
                         "not available")

    def test_an_expired_token_admits_no_more_but_sees_what_was_begun(self):
        now = int(time.time() * 1000)
        claims = claims_of(self.ask("POST", "/queue", {"userId": "fay"}).json()["token"])

        def at(begin, end):
            return forge({**claims, "nbf": begin // 1000, "nbfMs": begin, "exp": end // 1000, "expMs": end,
                          "iat": begin // 1000, "iatMs": begin}, SECRET)
        good, over = at(now - 5000, now + 60000), at(now - 5000, now - 1000)
        reservation = self.runtime.reserve("A-1", good)
        self.refused(self.ask("POST", "/reservations", {"seatId": "A-2"}, bearer=over), 401, "token_expired")
        self.refused(self.ask("POST", "/queue/status", bearer=over), 401, "token_expired")
        self.assertEqual(self.runtime.status_of(reservation, over), "HELD")
        self.assertEqual(self.pay(reservation, over, "late-but-begun").status, 200)
        day = 24 * 3600 * 1000
        gone = at(now - day - 60000, now - day - 30000)
        self.refused(self.ask("GET", f"/reservations/{reservation}", bearer=gone), 401, "token_expired")

    def test_a_token_of_the_runtime_expires_when_it_says(self):
        place = self.ask("POST", "/queue", {"userId": "gus"}).json()
        claims = claims_of(place["token"])
        self.assertEqual(claims["expMs"] - claims["nbfMs"], 1000)


class Seats(Concert):
    def test_all_seats_are_listed_with_price_and_status(self):
        seats = self.ask("GET", "/seats").json()
        self.assertEqual(len(seats), 50)
        self.assertEqual(len({s["seatId"] for s in seats}), 50)
        self.assertEqual({tuple(s) for s in seats}, {("seatId", "price", "status")})
        self.assertEqual({s["price"] for s in seats}, {PRICE})

    def test_a_held_seat_and_a_sold_one_follow_within_moments(self):
        def state(seat):
            return {s["seatId"]: s["status"] for s in self.ask("GET", "/seats").json()}[seat]
        token = self.runtime.token("hal")
        self.assertEqual(state("A-1"), "FREE")
        reservation = self.runtime.reserve("A-1", token)
        until("A-1 is HELD", lambda: state("A-1") == "HELD")
        self.assertEqual(self.pay(reservation, token, "hal-pays").status, 200)
        until("A-1 is SOLD", lambda: state("A-1") == "SOLD")


class Reservations(Concert):
    def test_a_reservation_is_accepted_with_its_place_and_becomes_held(self):
        token = self.runtime.token("ida")
        answer = self.ask("POST", "/reservations", {"seatId": "A-1"}, bearer=token)
        self.assertEqual(answer.status, 202, answer)
        body = answer.json()
        self.assertEqual(body["status"], "PENDING")
        self.assertEqual(body["reservationId"], body["sagaId"])
        self.assertEqual(answer.headers["location"], f"/reservations/{body['reservationId']}")
        self.runtime.wait_for_status(body["reservationId"], token, "HELD")
        held = self.ask("GET", answer.headers["location"], bearer=token).json()
        self.assertRegex(held.pop("expiresAt"), INSTANT)
        self.assertEqual(held, {"reservationId": body["reservationId"], "seatId": "A-1", "userId": "ida",
                                "status": "HELD"})

    def test_nobody_reserves_without_a_token(self):
        self.refused(self.ask("POST", "/reservations", {"seatId": "A-2"}), 401, "invalid_token")

    def test_a_seat_that_is_none_is_404(self):
        token = self.runtime.token("jan")
        self.refused(self.ask("POST", "/reservations", {"seatId": "Z-99"}, bearer=token), 404, "no_such_seat")

    def test_a_taken_seat_is_409_for_others_and_for_its_holder(self):
        token, other = self.runtime.token("kim"), self.runtime.token("leo")
        self.runtime.reserve("A-3", token)
        for bearer in (token, other):
            self.refused(self.ask("POST", "/reservations", {"seatId": "A-3"}, bearer=bearer), 409, "seat_taken")

    def test_only_its_holder_sees_a_reservation(self):
        token, other = self.runtime.token("mia"), self.runtime.token("ned")
        reservation = self.runtime.reserve("A-4", token)
        path = f"/reservations/{reservation}"
        self.refused(self.ask("GET", path), 401, "invalid_token")
        self.refused(self.ask("GET", path, bearer=other), 404, "no_such_reservation")
        for unknown in ("01a20452-cdae-7546-8f22-24f183b2f963", "nonsense", "%27%20OR%201%3D1"):
            self.refused(self.ask("GET", f"/reservations/{unknown}", bearer=token), 404, "no_such_reservation")

    def test_the_same_idempotency_key_is_the_same_reservation(self):
        token = self.runtime.token("oda")
        first, again = (self.ask("POST", "/reservations", {"seatId": "A-5"}, bearer=token, key="one")
                        for _ in range(2))
        self.assertEqual((first.status, again.status), (202, 202), again)
        self.assertEqual(first.json(), again.json())
        self.refused(self.ask("POST", "/reservations", {"seatId": "A-6"}, bearer=token, key="one"),
                     422, "idempotency_key.reused")

    def test_two_hundred_at_once_for_one_seat_and_one_gets_it(self):
        for seat in ("E-1", "E-2", "E-3"):
            with self.subTest(seat=seat):
                self.two_hundred_for(seat)

    def two_hundred_for(self, seat):
        tokens = [self.ask("POST", "/queue", {"userId": f"{seat}-{i}"}).json()["token"] for i in range(200)]
        together = threading.Barrier(len(tokens))
        answers = [None] * len(tokens)

        def run(i):
            with contextlib.closing(Client(self.runtime.port, timeout=60)) as client:
                client.ask("GET", "/livez")  # connected before the rush
                together.wait(60)
                answers[i] = client.ask("POST", "/reservations", {"seatId": seat}, bearer=tokens[i])
        threads = [threading.Thread(target=run, args=(i,)) for i in range(len(tokens))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertNotIn(None, answers, "every request is answered")
        ends = collections.Counter()
        for token, answer in zip(tokens, answers):
            if answer.status == 409:
                self.refused(answer, 409, "seat_taken")
                ends["409"] += 1
                continue
            self.assertEqual(answer.status, 202, answer)
            reservation = answer.json()["reservationId"]
            end = self.runtime.wait_for_status(reservation, token, "HELD", "REJECTED", within=30)
            ends[end] += 1
            stream = Stream(self.runtime.port, bearer=token)
            try:
                stream.wait_for(f"reservation.{end.lower()}", reservationId=reservation)
                self.assertEqual(len(stream.events), 1, stream.events)
            finally:
                stream.close()
        print(f"{seat}: {dict(ends)}")
        self.assertEqual(ends["HELD"], 1, ends)
        self.assertEqual(sum(ends.values()), 200, ends)


class AReservationThatIsSlow(Concert):
    options = ("--fault", "reservation/reserve.do=retry:4")

    def test_it_is_pending_until_it_is_held(self):
        token = self.runtime.token("pam")
        answer = self.ask("POST", "/reservations", {"seatId": "A-1"}, bearer=token)
        reservation = answer.json()["reservationId"]
        pending = self.ask("GET", f"/reservations/{reservation}", bearer=token).json()
        self.assertEqual((pending["status"], pending["seatId"], pending["userId"]), ("PENDING", "A-1", "pam"))
        self.refused(self.ask("GET", f"/reservations/{reservation}", bearer=self.runtime.token("qi")),
                     404, "no_such_reservation")
        self.runtime.wait_for_status(reservation, token, "HELD")


class AReservationThatFails(Concert):
    options = ("--fault", "reservation/deadline.do=fail")

    def test_it_is_cancelled_its_seat_is_free_and_its_customer_is_told(self):
        token = self.runtime.token("ron")
        stream = Stream(self.runtime.port, bearer=token)
        self.addCleanup(stream.close)
        reservation = self.ask("POST", "/reservations", {"seatId": "A-1"}, bearer=token).json()["reservationId"]
        self.runtime.wait_for_status(reservation, token, "CANCELLED")
        stream.wait_for("reservation.failed", reservationId=reservation)
        until("A-1 is free again", lambda: self.ask("GET", "/seats").json()[0]["status"] == "FREE")


class AReservationThatNeverBegan(Concert):
    options = ("--fault", "reservation/reserve.do=fail")

    def test_without_a_row_and_with_an_ended_saga_it_is_cancelled(self):
        token = self.runtime.token("sam")
        reservation = self.ask("POST", "/reservations", {"seatId": "A-1"}, bearer=token).json()["reservationId"]
        self.runtime.wait_for_status(reservation, token, "CANCELLED")


class AHoldThatIsNotPaid(Concert):
    options = ("--clock-speed", "300")
    env = {"QUEUE_VALID_FOR": "24h"}

    def test_it_expires_its_seat_is_free_and_it_cannot_be_paid(self):
        token = self.runtime.token("tea")
        stream = Stream(self.runtime.port, bearer=token)
        self.addCleanup(stream.close)
        reservation = self.ask("POST", "/reservations", {"seatId": "A-1"}, bearer=token).json()["reservationId"]
        self.runtime.wait_for_status(reservation, token, "EXPIRED", within=20)
        stream.wait_for("reservation.expired", reservationId=reservation)
        until("A-1 is free again", lambda: self.ask("GET", "/seats").json()[0]["status"] == "FREE")
        self.refused(self.pay(reservation, token, "too-late"), 409, "not_payable")


class Points(Concert):
    env = {"REPRISE_ADMIN_TOKEN": ADMIN, "START_POINTS": "100"}

    def test_the_administrator_gives_points_and_everybody_sees_them(self):
        self.assertEqual(self.ask("GET", "/users/una").json(), {"userId": "una", "points": 100})
        answer = self.ask("POST", "/users/una/points", {"amount": 23}, bearer=ADMIN)
        self.assertEqual((answer.status, answer.json()), (200, {"userId": "una", "points": 123}))
        self.assertEqual(self.ask("GET", "/users/una").json(), {"userId": "una", "points": 123})

    def test_points_want_the_administrators_token_when_one_is_set(self):
        for bearer in (None, "another", self.runtime.token("vic"), ""):
            with self.subTest(bearer=bearer):
                self.refused(self.ask("POST", "/users/vic/points", {"amount": 1}, bearer=bearer),
                             401, "unauthorized")
        self.assertEqual(self.ask("GET", "/users/vic").json()["points"], 100)

    def test_an_amount_is_a_whole_number_above_nothing(self):
        for amount, code in ((0, "body.out_of_range"), (-1, "body.out_of_range"), ("1", "body.wrong_type"),
                             (1.5, "body.wrong_type"), (True, "body.wrong_type"), (None, "body.wrong_type"),
                             (10**30, None)):
            with self.subTest(amount=amount):
                answer = self.ask("POST", "/users/wes/points", {"amount": amount}, bearer=ADMIN)
                self.refused(answer, 400, code or answer.code)
        self.refused(self.ask("POST", "/users/wes/points", {}, bearer=ADMIN), 400, "body.missing_field")
        self.assertEqual(self.ask("GET", "/users/wes").json()["points"], 100)

    def test_the_same_key_gives_once(self):
        for _ in range(2):
            answer = self.ask("POST", "/users/xia/points", {"amount": 7}, bearer=ADMIN, key="gift")
            self.assertEqual((answer.status, answer.json()["points"]), (200, 107), answer)
        self.assertEqual(self.ask("GET", "/users/xia").json()["points"], 107)

    def test_what_changes_sagas_wants_the_administrators_token(self):
        token = self.runtime.token("yan")
        saga = self.runtime.reserve("A-1", token)
        self.assertEqual(self.ask("GET", f"/api/v1/sagas/{saga}").json()["pipeline"], "reservation")
        for bearer in (None, "another", token):
            for path in (f"/api/v1/sagas/{saga}/undo", f"/api/v1/sagas/{saga}/retry",
                         f"/api/v1/sagas/{saga}/skip", f"/api/v1/sagas/{saga}/resolve",
                         f"/api/v1/sagas/{saga}/signal", "/api/v1/dlq/1/replay", "/api/v1/dlq/1/drop"):
                with self.subTest(path=path, bearer=bearer):
                    self.refused(self.ask("POST", path, {}, bearer=bearer), 401, "unauthorized")
        self.assertEqual(self.runtime.status_of(saga, token), "HELD")
        self.assertEqual(self.ask("POST", f"/api/v1/sagas/{saga}/undo", {}, bearer=ADMIN).status, 200)
        self.runtime.wait_for_status(saga, token, "CANCELLED")

    def test_the_command_line_sends_the_administrators_token(self):
        token = self.runtime.token("zoe")
        saga = self.runtime.reserve("A-2", token)
        denied = command("saga", "undo", saga, "--server", self.runtime.server)
        self.assertEqual(denied.returncode, 1, denied)
        self.assertEqual(self.runtime.status_of(saga, token), "HELD")
        done = command("saga", "undo", saga, "--server", self.runtime.server,
                       env={"REPRISE_ADMIN_TOKEN": ADMIN})
        self.assertEqual(done.returncode, 0, done)
        self.runtime.wait_for_status(saga, token, "CANCELLED")


class Payments(Concert):
    def points(self, user):
        return self.ask("GET", f"/users/{user}").json()["points"]

    def test_a_payment_takes_the_points_at_once_and_confirms_by_message(self):
        token = self.runtime.token("abe")
        reservation = self.runtime.reserve("A-1", token)
        answer = self.pay(reservation, token, "abe-pays")
        self.assertEqual(answer.status, 200, answer)
        payment = answer.json()
        self.assertTrue(payment["paymentId"])
        self.assertEqual(payment, {"paymentId": payment["paymentId"], "reservationId": reservation,
                                   "amount": PRICE, "status": "CAPTURED"})
        self.assertEqual(self.points("abe"), 0)
        self.assertEqual(self.ask("GET", f"/payments/{payment['paymentId']}", bearer=token).json(), payment)
        self.runtime.wait_for_status(reservation, token, "CONFIRMED")

    def test_the_same_key_is_answered_the_same_and_with_another_body_422(self):
        token = self.runtime.token("bob")
        reservation = self.runtime.reserve("A-2", token)
        first, again = (self.pay(reservation, token, "bob-pays") for _ in range(2))
        self.assertEqual((first.status, again.status), (200, 200))
        self.assertEqual(first.body, again.body)
        self.assertEqual(self.points("bob"), 0)
        self.refused(self.pay("another", token, "bob-pays"), 422, "idempotency_key.reused")
        self.refused(self.pay(reservation, token, "another-key"), 409, "not_payable")

    def test_ten_at_once_with_one_key_take_the_points_once(self):
        token = self.runtime.token("cat")
        reservation = self.runtime.reserve("A-3", token)
        answers = []

        def run():
            with contextlib.closing(Client(self.runtime.port)) as client:
                answers.append(client.ask("POST", "/payments", {"reservationId": reservation}, bearer=token,
                                          key="cat-pays"))
        threads = [threading.Thread(target=run) for _ in range(10)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        good = {a.body for a in answers if a.status == 200}
        self.assertEqual(len(answers), 10)
        self.assertEqual(len(good), 1, answers)
        self.assertLessEqual({a.status for a in answers}, {200, 409}, answers)
        self.assertEqual(self.points("cat"), 0)

    def test_no_key_no_token_no_reservation(self):
        token, other = self.runtime.token("dot"), self.runtime.token("eli")
        reservation = self.runtime.reserve("A-4", token)
        body = {"reservationId": reservation}
        self.refused(self.ask("POST", "/payments", body, bearer=token), 400, "idempotency_key.missing")
        for malformed in ("x" * 300, "two words", ""):
            self.refused(self.pay(reservation, token, malformed), 400, "idempotency_key.malformed")
        self.refused(self.ask("POST", "/payments", body, key="k"), 401, "invalid_token")
        self.refused(self.pay("unknown", token, "k"), 404, "no_such_reservation")
        self.refused(self.pay(reservation, other, "k"), 404, "no_such_reservation")
        self.assertEqual((self.points("dot"), self.points("eli")), (PRICE, PRICE))
        self.assertEqual(self.runtime.status_of(reservation, token), "HELD")

    def test_with_too_few_points_nothing_is_taken_and_more_points_help(self):
        token = self.runtime.token("flo")
        first, second = self.runtime.reserve("A-5", token), self.runtime.reserve("A-6", token)
        self.assertEqual(self.pay(first, token, "the-first").status, 200)
        self.refused(self.pay(second, token, "the-second"), 402, "insufficient_points")
        self.assertEqual((self.points("flo"), self.runtime.status_of(second, token)), (0, "HELD"))
        self.assertEqual(self.ask("POST", "/users/flo/points", {"amount": PRICE}).status, 200)
        self.assertEqual(self.pay(second, token, "the-second-again").status, 200)

    def test_only_its_payer_sees_a_payment(self):
        token, other = self.runtime.token("gil"), self.runtime.token("hue")
        payment = self.pay(self.runtime.reserve("A-7", token), token, "gil-pays").json()["paymentId"]
        self.refused(self.ask("GET", f"/payments/{payment}"), 401, "invalid_token")
        self.refused(self.ask("GET", f"/payments/{payment}", bearer=other), 404, "unknown_payment")
        self.refused(self.ask("GET", "/payments/unknown", bearer=token), 404, "unknown_payment")


class APaymentThatFails(Concert):
    options = ("--fault", "payment/confirm-seat.do=fail")

    def test_it_is_refunded_and_its_customer_is_told(self):
        token = self.runtime.token("ike")
        reservation = self.runtime.reserve("A-1", token)
        payment = self.pay(reservation, token, "ike-pays").json()["paymentId"]
        until("the payment is refunded", lambda: self.ask("GET", f"/payments/{payment}", bearer=token)
              .json()["status"] == "REFUNDED")
        self.assertEqual(self.ask("GET", "/users/ike").json()["points"], PRICE)
        stream = Stream(self.runtime.port, bearer=token)
        self.addCleanup(stream.close)
        stream.wait_for("payment.refunded", paymentId=payment)
        self.assertEqual(self.runtime.status_of(reservation, token), "HELD")


class APaymentThatIsSlow(Concert):
    options = ("--fault", "payment/confirm-reservation.do=retry:6")  # three seconds

    def test_its_reservation_is_paying_until_it_is_confirmed(self):
        token = self.runtime.token("jim")
        reservation = self.runtime.reserve("A-1", token)
        self.assertEqual(self.pay(reservation, token, "jim-pays").status, 200)
        self.assertEqual(self.runtime.status_of(reservation, token), "PAYING")
        self.refused(self.pay(reservation, token, "jim-pays-twice"), 409, "not_payable")
        self.runtime.wait_for_status(reservation, token, "CONFIRMED")


class Push(Concert):
    def listen(self, path="/push", **more):
        stream = Stream(self.runtime.port, path, **more)
        self.addCleanup(stream.close)
        return stream

    def test_news_come_as_they_happen_and_resume_after_the_last_seen(self):
        token = self.runtime.token("kay")
        stream = self.listen(bearer=token)
        self.assertEqual(stream.status, 200)
        self.assertTrue(stream.headers["content-type"].startswith("text/event-stream"))
        reservation = self.runtime.reserve("A-1", token)
        held = stream.wait_for("reservation.held", reservationId=reservation)
        self.assertRegex(held[2]["expiresAt"], INSTANT)
        self.pay(reservation, token, "kay-pays")
        paid = stream.wait_for("payment.confirmed", reservationId=reservation)
        again = self.listen(bearer=token, last=held[0])
        again.wait_for("payment.confirmed", reservationId=reservation)
        self.assertEqual(again.events, [paid])
        anew = self.listen(bearer=token)
        anew.wait_for("payment.confirmed", reservationId=reservation)
        self.assertEqual(anew.events, [held, paid])

    def test_news_are_only_ones_own(self):
        token, other = self.runtime.token("lea"), self.runtime.token("max")
        mine, theirs = self.listen(bearer=token), self.listen(bearer=other)
        first = self.runtime.reserve("A-2", token)
        second = self.runtime.reserve("A-3", other)
        mine.wait_for("reservation.held", reservationId=first)
        theirs.wait_for("reservation.held", reservationId=second)
        self.assertEqual((len(mine.events), len(theirs.events)), (1, 1))

    def test_a_ticket_opens_the_stream_once(self):
        token = self.runtime.token("nan")
        ticket = self.ask("POST", "/push/ticket", bearer=token).json()["ticket"]
        claims = claims_of(ticket)
        self.assertEqual((claims["sub"], claims["exp"] - claims["iat"]), ("nan", 30))
        stream = self.listen(f"/push?ticket={ticket}")
        self.assertEqual(stream.status, 200)
        reservation = self.runtime.reserve("A-4", token)
        stream.wait_for("reservation.held", reservationId=reservation)
        again = self.listen(f"/push?ticket={ticket}")
        self.assertEqual((again.status, json.loads(again.body)["code"]), (401, "invalid_token"))

    def test_nobody_listens_without_a_token_or_with_a_bad_ticket(self):
        for path in ("/push", "/push?ticket=nonsense"):
            stream = self.listen(path)
            self.assertEqual((stream.status, json.loads(stream.body)["code"]), (401, "invalid_token"))
        self.refused(self.ask("GET", "/push?ticket="), 400, "query.out_of_range")
        self.refused(self.ask("POST", "/push/ticket"), 401, "invalid_token")


class BadRequests(Concert):
    def test_unknown_routes_are_404(self):
        for path in ("/", "/nothing", "/queue/", "/reservations", "/users/u1/points/x", "/../etc/passwd"):
            with self.subTest(path=path):
                answer = self.ask("GET", path)
                self.assertIn((answer.status, answer.code), {(404, "no_route"), (405, "method_not_allowed"),
                                                             (400, "http.bad_target")}, answer)
        self.refused(self.ask("GET", "/nothing"), 404, "no_route")

    def test_wrong_methods_are_405_with_the_right_ones_named(self):
        for method, path, right in (("DELETE", "/queue", "POST"), ("GET", "/queue", "POST"),
                                    ("POST", "/seats", "GET"), ("PUT", "/payments", "POST"),
                                    ("PATCH", "/reservations", "POST")):
            with self.subTest(method=method, path=path):
                answer = self.ask(method, path)
                self.refused(answer, 405, "method_not_allowed")
                self.assertIn(right, answer.headers["allow"])

    def test_oversized_bodies_are_413_said_or_sent(self):
        self.refused(self.ask("POST", "/queue", {"userId": "x" * (2 << 20)}), 413, "http.body_too_large")
        said = self.runtime.raw(b"POST /queue HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                                b"Content-Length: 999999999999\r\n\r\n")
        self.refused(said, 413, "http.body_too_large")

    def test_other_media_types_are_415(self):
        for kind in ("text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin1"):
            self.refused(self.ask("POST", "/queue", b'{"userId":"a"}', headers={"Content-Type": kind}),
                         415, "body.media_type")

    def test_bad_bodies_are_400_and_say_why(self):
        deep = b'{"userId":' + b"[" * 5000 + b"]" * 5000 + b"}"
        for body, code in ((b"{", "body.invalid_json"), (b"not json", "body.invalid_json"),
                           (b'{"userId":"a"} x', "body.invalid_json"), (b"[]", "body.invalid_json"),
                           (b'{"userId":"a","userId":"b"}', "body.invalid_json"),
                           (b'{"userId":"\xff\xfe"}', "body.invalid_json"), (deep, "body.too_deep"),
                           (b"[" * 100000, "body.too_deep"), (b'{"userId":"a\\u0000b"}', "body.invalid_json"),
                           (b"", "body.missing_field"), (b"{}", "body.missing_field"),
                           (b'{"userId":1}', "body.wrong_type"), (b'{"userId":null}', "body.wrong_type"),
                           (b'{"userId":""}', "body.out_of_range"),
                           (b'{"userId":"' + b"x" * 65 + b'"}', "body.out_of_range"),
                           (b'{"userId":"a","admin":true}', "body.unknown_field")):
            with self.subTest(body=body[:40]):
                self.refused(self.ask("POST", "/queue", body), 400, code)

    def test_a_nul_in_a_path_or_query_is_400(self):
        self.refused(self.ask("GET", "/users/a%00b"), 400, "http.bad_target")
        self.assertEqual(self.ask("GET", "/push?ticket=a%00b").status, 400)

    def test_what_is_no_http_is_400_and_the_next_client_is_served(self):
        for data in (b"\x16\x03\x01\x02\x00garbage\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\nHost: x\r\n\r\n",
                     b"POST /queue HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
                     b"POST /queue HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n"
                     b"Transfer-Encoding: chunked\r\n\r\n{}"):
            with self.subTest(data=data[:30]):
                answer = self.runtime.raw(data)
                self.assertIn(answer.status, (400, 505), answer)
        self.assertEqual(self.runtime.raw(b"GET /seats HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 100000 +
                                          b"\r\n\r\n").status, 431)
        self.assertEqual(self.ask("GET", "/livez").status, 200)


class Health(Concert):
    def test_it_lives_is_ready_and_says_what_it_looked_at(self):
        self.assertEqual(self.ask("GET", "/livez").status, 200)
        self.assertEqual(self.ask("GET", "/readyz").status, 200)
        verbose = self.ask("GET", "/readyz?verbose")
        self.assertEqual(verbose.status, 200)
        parts = (b"[+]disk",) if ENGINE == "embedded" else (b"[+]kafka", b"[+]redis", b"[+]steps")
        for part in (b"[+]journal", b"[+]ingress", b"[+]executor", *parts):
            self.assertIn(part, verbose.body)

    def test_they_are_looked_at_and_not_written_to(self):
        for path in ("/livez", "/readyz", "/metrics"):
            for method in ("POST", "PUT", "DELETE"):
                with self.subTest(path=path, method=method):
                    answer = self.ask(method, path)
                    self.refused(answer, 405, "method_not_allowed")
                    self.assertEqual(answer.headers["allow"], "GET, HEAD")
            self.assertEqual(self.ask("HEAD", path).status, 200)

    def test_the_metrics_are_well_formed_and_follow_what_happened(self):
        token = self.runtime.token("oli")
        self.runtime.reserve("A-1", token)
        attempt = ('reprise_step_attempts_total{outcome="done",phase="do",pipeline="reservation",'
                   'step="tell-held"} 1')
        until("tell-held is counted", lambda: attempt in self.ask("GET", "/metrics").body.decode())
        text = self.ask("GET", "/metrics").body.decode()
        sample = re.compile(r'[a-z_]+(\{([a-z_]+="[^"]*",?)*\})? -?[0-9.e+-]+(Inf)?')
        for line in text.splitlines():
            if not line.startswith("#"):
                self.assertRegex(line, sample)
        for name in ("sagas_active", "saga_oldest_age_seconds", "consumer_lag_messages", "dlq_messages",
                     "http_request_duration_seconds_bucket"):
            self.assertRegex(text, rf"(?m)^reprise_{name}[ {{]", name)

    def test_the_time_in_steps_commits_and_queues_is_measured(self):
        token = self.runtime.token("rob")
        self.runtime.reserve("A-2", token)
        for name in ("step_duration_seconds", "commit_duration_seconds", "queue_wait_seconds"):
            with self.subTest(name=name):
                self.assertRegex(self.ask("GET", "/metrics").body.decode(), rf"(?m)^reprise_{name}_count")

    def test_each_plugin_is_named_once(self):
        named = re.findall(r'(?m)^reprise_plugin_info\{.*plugin="([^"]+)"',
                           self.ask("GET", "/metrics").body.decode())
        self.assertEqual(sorted(named), ["data-platform", "payment", "push", "queue", "receipt", "reservation",
                                         "scheduler", "seat"])

    def test_metrics_and_version_name_the_same_build(self):
        build = json.loads(command("version", "-o", "json").stdout)
        self.assertRegex(build["commit"], r"^([0-9a-f]{12}|unknown)$")
        info = re.search(r"(?m)^reprise_build_info\{(.*)\} 1$", self.ask("GET", "/metrics").body.decode())
        self.assertIn(f'version="{build["version"]}"', info.group(1))
        self.assertIn(f'commit="{build["commit"]}"', info.group(1))


class Ending(unittest.TestCase):
    def test_a_sigterm_under_load_answers_what_was_accepted_and_exits_with_0(self):
        with Runtime(env={**OPEN_DOORS, "SEAT_ROWS": "26", "SEAT_PER_ROW": "400"}) as runtime:
            token = runtime.token("pia")
            seats = iter([s["seatId"] for s in runtime.ask("GET", "/seats").json()])
            turn, accepted, odd = threading.Lock(), [], []

            def load():
                client = Client(runtime.port)
                while True:
                    with turn:
                        seat = next(seats, None)
                    if seat is None:
                        return
                    try:
                        answer = client.ask("POST", "/reservations", {"seatId": seat}, bearer=token)
                    except (OSError, http.client.HTTPException):
                        return
                    if answer.status == 202:
                        accepted.append(answer.json()["reservationId"])
                    else:
                        odd.append(answer)
                        return
            threads = [threading.Thread(target=load) for _ in range(8)]
            for thread in threads:
                thread.start()
            until("the load is on", lambda: len(accepted) > 300, within=30)
            self.assertEqual(runtime.stop(within=10), 0, runtime.log)
            for thread in threads:
                thread.join(30)
            for answer in odd:
                self.assertEqual((answer.status, answer.code), (503, "http.stopping"), answer)
            runtime.start()
            begun = {s["id"] for s in runtime.sagas(pipeline="reservation")}
            self.assertEqual(begun, set(accepted), "what was accepted was answered, and the reverse")
            for reservation in accepted[-20:]:
                runtime.wait_for_status(reservation, token, "HELD")
            self.assertEqual(runtime.stop(), 0, runtime.log)

    def test_an_open_stream_does_not_hold_up_the_end(self):
        with Runtime(env=OPEN_DOORS) as runtime:
            stream = Stream(runtime.port, bearer=runtime.token("quo"))
            self.assertEqual(stream.status, 200)
            self.assertEqual(runtime.stop(within=10), 0, runtime.log)
            stream.close()


class Alerts(Concert):
    options = ("--fault", "hold-seat.do=fail")

    @unittest.skipIf(ENGINE == "cluster", "there the record goes to a topic, not to a file")
    def test_without_notion_an_alert_is_in_the_log_and_in_a_file_and_doctor_says_so(self):
        answer = self.ask("POST", "/reservations", {"seatId": "A-1"}, bearer=self.runtime.token("al"))
        self.assertEqual(answer.status, 202, answer)
        saga = answer.json()["sagaId"]
        file = pathlib.Path(f"{self.runtime.file}.topics") / "alerts.jsonl"
        line = until("the alert is in the file", lambda: file.exists() and file.read_text())
        self.assertIn("reservation/hold-seat failed", line)
        self.assertIn(saga, line)
        self.assertIn("alert: reservation/hold-seat failed", self.runtime.log)
        said = command("doctor", "--server", self.runtime.server).stdout
        self.assertRegex(said, "push  notion_url is not set.*alerts go to the log and to")


if __name__ == "__main__":
    unittest.main()
