"""The fault matrix: what must be survived, and the tests that show it, on either engine.

A test is "PROGRAM FILTER": a gtest program and its --gtest_filter, or a file of tests/ and its cases, or `reprise ARGUMENTS`.  A text
in place of tests says why none can run.
"""
from typing import NamedTuple

ONE_PROCESS = "one process holds the file, and there is no other to take over from it"
NO_SERVER = "the embedded engine has no such server"
SQLITE = "of SQLite's file; PostgreSQL's own tests stand for PostgreSQL's"


class Row(NamedTuple):
    number: int
    fault: str
    holds: str  # what must
    embedded: tuple[str, ...] | str
    cluster: tuple[str, ...] | str

    def tests(self, engine):
        return getattr(self, engine)


ROWS = [
    Row(1, "kill -9 at every named place, before and after, in a do and in an undo", "all accepted is there and adds up; the audit finds nothing",
        ("e2e/failpoints_test.py", "executor_test ExecutorTest.EndsTheSameWhereverItIsKilled:*ACrashAtAnyCommit*"),
        ("e2e/failpoints_test.py Failpoints",)),
    Row(2, "kill -9 at random moments, one process and several", "all accepted is there and adds up",
        ("e2e/crash_test.py Crash",), ("e2e/crash_test.py Crash", "e2e/cluster_test.py Shared")),
    Row(3, "an owner is paused for longer than its lease, and wakes", "it commits nothing any more, and nothing happens twice",
        ONE_PROCESS, ("e2e/cluster_test.py Shared", "postgres_test FencingTest.*", "kafka_test KafkaTest.AFencedWorker*")),
    Row(4, "a process is paused after its commit and publishes half a minute later, when another has", "nothing happens twice, nothing is lost", ONE_PROCESS,
        ("faults/zombie_test.py",)),
    Row(5, "PostgreSQL's session ends in a batch and in the middle of COMMIT", "what was committed is known, the rest runs again", NO_SERVER,
        ("postgres_test ConnectionTest.*", "e2e/outages_test.py Outages.test_a_connection_that_is_cut_in_the_middle_of_commit "
         "Outages.test_while_the_fate_of_a_commit_cannot_be_known_nothing_is_accepted_and_a_stop_is_obeyed "
         "Outages.test_sessions_that_the_server_ends")),
    Row(6, "the database is away, silent, full, or takes no more connections", "503 meanwhile; no message is thrown away",
        ("e2e/bad_input_test.py FullDisk", "sqlite_test CrashTest.*Full*"),
        ("e2e/outages_test.py Outages.test_a_postgresql_that_is_killed_and_comes_back Outages.test_a_postgresql_that_stands_still",
         "faults/full_test.py")),
    Row(7, "PostgreSQL comes back without its last commits", "no seat twice, no money lost; nothing of a saga that is not there", NO_SERVER,
        ("faults/restored_test.py",)),
    Row(8, "the broker is killed and comes back after a second; REPRISE_LONG=1: after 1, 30 and 120", "all that was committed is in Kafka, all sagas end", NO_SERVER,
        ("e2e/outages_test.py Outages.test_a_broker_that_is_killed_and_comes_back", "faults/broker_test.py")),
    Row(9, "leaders move, replicas are too few, a producer's error is fatal", "the producer is made anew; no record is lost or changes its place",
        NO_SERVER, ("kafka_test ProducerTest.*:LeadersTest.*",)),
    Row(10, "half-open connections, stalls, cuts in the middle of a frame", "it goes on by itself, nothing is lost", NO_SERVER,
        ("faults/network_test.py",)),
    Row(11, "a topic is cut off, made anew, or retention passed what was not read", "its lanes stand still with an alert; nothing is passed over in silence",
        NO_SERVER, ("e2e/outages_test.py Outages.test_a_topic_that_was_made_anew_stops_its_lanes_until_a_person_lets_them_go_on",
                    "kafka_test BrokerTest.Retention*:KafkaTest.ALogThat*:ForeignTest.WhatRetention*:ForeignTest.ALogWhose*")),
    Row(12, "lanes move all the time: 12 turns, or REPRISE_MOVES=150 for twenty minutes", "nothing is lost, nothing happens twice", ONE_PROCESS, ("faults/moves_test.py",)),
    Row(13, "every message comes up to five times, in any order, an hour late", "the effects are the same",
        ("reprise simulate pipelines/concert --runs 500", "model_test Interleavings.*Repeats*"), ("faults/duplicates_test.py",)),
    Row(14, "an undo before its do, during it, of what retries, is parked, or never began", "it is undone in order, and nothing takes effect after",
        ("model_test Interleavings.*:MeetTest.*", "scenarios_test All/Orders.*:All/TakenBack.*", "executor_test ExternalTest.AnUndo*:StrictTest.AnUndo*"),
        ("reprise test --engine cluster pipelines/concert", "reprise test --engine cluster tests/pipelines/strict")),
    Row(15, "a plugin throws, returns garbage, breaks the contract, commits by itself", "its step fails, and nothing else",
        ("e2e/hostile_test.py Hostile.test_what_only_breaks_the_contract_fails_its_step_and_nothing_else", "plugin_test *", "conformance_test *Sqlite*:-*Postgres*"),
        ("e2e/hostile_test.py Hostile.test_what_only_breaks_the_contract_fails_its_step_and_nothing_else", "conformance_test *Sql*Postgres*")),
    Row(16, "a plugin hangs", "the others go on; after three starts its message is a dead letter",
        ("e2e/hostile_test.py Hostile.test_a_hang_ends_the_process_and_is_convicted_after_three "
         "Hostile.test_an_endless_loop_is_convicted_after_three",),
        ("e2e/hostile_test.py Hostile.test_a_hang_ends_the_process_and_is_convicted_after_three",)),
    Row(17, "a plugin takes the process with it", "the same",
        ("e2e/hostile_test.py Hostile.test_a_segfault_is_convicted_after_three Hostile.test_an_abort_is_convicted_after_three "
         "Hostile.test_an_overflown_stack_is_convicted_after_three Hostile.test_exit_0_is_no_clean_stop "
         "Hostile.test_a_plugin_that_takes_all_memory_fails_alone Hostile.test_an_undo_that_crashes_is_stuck_and_a_person_is_told "
         "Hostile.test_a_call_to_the_outside_that_crashes_is_convicted_after_three Hostile.test_a_request_that_crashes_is_refused_after_three",),
        ("e2e/hostile_test.py Hostile.test_a_segfault_is_convicted_after_three",)),
    Row(18, "a plugin overwrites memory that is not its own",
        "plugins are trusted: found by AddressSanitizer where it runs", "`make sanitize` is this row's run", "`make sanitize` is this row's run"),
    Row(19, "the disk answers with errors: EIO of fsync and of writes", "it stops or refuses rather than guess; all accepted is there",
        ("faults/disk_test.py",), "PostgreSQL ends itself at an fsync that fails, and row 6 kills it"),
    Row(20, "SQLite is cut off at every write, pages are torn, what was not synced is gone", "the file is whole, with all that was answered",
        ("sqlite_test Torn*:CrashTest.*",), SQLITE),
    Row(21, "the clock jumps by an hour and by a day", "no timer fires early, twice or never",
        ("faults/clock_test.py", "executor_test ExecutorTest.*Timer*", "base_test NeverBack.*:SystemClock.*"), ("faults/clock_test.py",)),
    Row(22, "a payment and the deadline of its hold at one instant", "one of them wins, and nothing is lost",
        ("scenarios_test PaymentAgainstExpiry.*",), ("reprise test --engine cluster pipelines/concert/payment.test.yaml pipelines/concert/lapse.test.yaml",)),
    Row(23, "two hundred customers for one seat; rows taken in opposite orders", "one gets it; no batch is lost to a deadlock",
        ("e2e/http_test.py Reservations.test_two_hundred_at_once_for_one_seat_and_one_gets_it",),
        ("e2e/http_test.py Reservations.test_two_hundred_at_once_for_one_seat_and_one_gets_it", "postgres_test ContentionTest.*")),
    Row(24, "poison: bad JSON, NUL, bad UTF-8, numbers without end, depth, keys twice", "refused with the reason, or a dead letter; the lane goes on",
        ("faults/poison_test.py", "http_test Body.*", "model_test Payload.*:MessageBytes.*", "executor_test BrokenTest.*:InputsTest.*"),
        ("faults/poison_test.py", "e2e/topics_test.py OnKafka", "kafka_test WireTest.*:KafkaTest.Unreadable*")),
    Row(25, "payloads of nothing, of 1 MiB and one byte, of 64 MiB; ten thousand emissions", "refused when they are emitted, with the reason",
        ("faults/size_test.py", "http_test Limits.*"), ("faults/size_test.py",)),
    Row(26, "a message that Kafka will never take", "a dead letter, its step fails, the lane goes on",
        ("executor_test BrokenTest.*Sent*:BrokenTest.*Told*",), ("kafka_test ProducerTest.*Refus*:ProducerTest.ARefusal*:KafkaTest.ARefused*",)),
    Row(27, "Redis is away, flushed, empty, slow", "no number twice, no lock that lies", NO_SERVER,
        ("redis_test *", "e2e/outages_test.py Outages.test_a_redis_that_is_killed_and_comes_back_empty "
         "Outages.test_no_lock_that_is_lost_lets_two_payments_through")),
    Row(28, "YAML that is malformed or hostile", "no start; every mistake with its place",
        ("config_test *", "e2e/bad_input_test.py Yaml"), "the files are read before an engine is chosen"),
    Row(29, "other files and plugins than when the sagas began", "they end by their own plan, or the start is refused and names them",
        ("e2e/upgrade_test.py",), ("e2e/upgrade_test.py",)),
    Row(30, "an undo that fails for ever", "stuck, with an alert; the others go on; a person can go on with it",
        ("executor_test ExecutorTest.*Stuck*:ExecutorTest.ResolveEnds*", "model_test StuckTest.*:HaltTest.*", "e2e/audit_test.py Audit"),
        ("reprise test --engine cluster pipelines/concert/reservation.test.yaml",)),
    Row(31, "slow clients, idle ones, ones that do not read; two lengths, huge heads", "408, 413, 431; the others are served",
        ("http_test Limits.*:Smuggling.*:HeadCheck.*:Streams.DropAClient*", "faults/crowd_test.py"), "the server is the same"),
    Row(32, "forged tokens", "401, and nothing told", ("e2e/http_test.py ForgedTokens TokensByTime",), ("e2e/http_test.py ForgedTokens",)),
    Row(33, "SQL in every field", "stored as it is, or refused", ("faults/injection_test.py",), ("faults/injection_test.py",)),
    Row(34, "nobody takes the alerts for an hour", "they are delivered after it, each once", ("faults/alert_test.py",),
        "the same plugin and the same retries; its cases run there too (`reprise test --engine cluster`)"),
    Row(35, "SIGTERM under full load", "it ends in time with 0; nothing is lost or twice", ("faults/stop_test.py", "e2e/http_test.py Ending"),
        ("faults/stop_test.py",)),
]
ENGINES = ("embedded", "cluster")


def row(number):
    return next(r for r in ROWS if r.number == number)
