#!/usr/bin/env python3
"""The matrix has every row once, and every test that it names is there."""
import ast
import functools
import pathlib
import subprocess
import unittest

import matrix
import rows


@functools.cache
def listed(program):
    """The tests of a gtest program, as its filter names them."""
    out, suite = [], ""
    for line in subprocess.run([rows.BUILD / "tests" / program, "--gtest_list_tests"], capture_output=True, text=True,
                               check=True).stdout.splitlines():
        name = line.split("#")[0].rstrip()
        if line.startswith("  "):
            out.append(suite + name.strip())
        elif name.endswith("."):
            suite = name
    return out


def matches(program, filters):
    """Per positive pattern whether it names a test: `*` is any text."""
    wanted = filters.split("-")[0].strip(":").split(":")
    return [any(pathlib.PurePath(name.replace("/", "|")).match(one.replace("/", "|")) for name in listed(program)) for one in wanted]


def classes(file):
    """{class: its methods and those of its bases in the same file}"""
    return {node.name: {m.name for m in node.body if isinstance(m, ast.FunctionDef)}
            for node in ast.parse((rows.TESTS / file).read_text()).body if isinstance(node, ast.ClassDef)}


class Matrix(unittest.TestCase):
    def test_every_row_is_there_once(self):
        self.assertEqual([row.number for row in matrix.ROWS], list(range(1, 36)))

    def test_a_row_that_runs_nowhere_is_only_the_one_that_has_a_command_of_its_own(self):
        nowhere = [row.number for row in matrix.ROWS if isinstance(row.embedded, str) and isinstance(row.cluster, str)]
        self.assertEqual(nowhere, [18])

    def test_every_test_that_is_named_is_there(self):
        for row in matrix.ROWS:
            for engine in matrix.ENGINES:
                tests = row.tests(engine)
                for test in tests if not isinstance(tests, str) else ():
                    with self.subTest(f"row {row.number}, {engine}: {test}"):
                        self.is_there(test)

    def is_there(self, test):
        program, *rest = test.split()
        if program == "reprise":
            return
        if not program.endswith(".py"):
            self.assertTrue(all(matches(program, rest[0])), f"of {listed(program)[:5]} ..")
            return
        known = classes(program)
        for case in rest:
            name, _, method = case.partition(".")
            self.assertIn(name, known)
            if method:
                self.assertIn(method, known[name])


if __name__ == "__main__":
    unittest.main()
