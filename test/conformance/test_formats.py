"""The safetensors library judges our files; one test for each check of formats.py."""

import unittest

from formats import checks


class Formats(unittest.TestCase):
    def test_safetensors_agrees_with_every_check(self):
        for name, passed in checks():
            with self.subTest(name):
                self.assertTrue(passed, name)
