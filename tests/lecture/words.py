"""The texts in two languages: the file `calls` for the calls, the file `prose` for the rest."""

import os
import re
from pathlib import Path

HERE = Path(__file__).resolve().parent
LANGUAGES = "en", "ru"
FIELDS = "most", "again", "en", "en+", "ru", "ru+"
FIRST_SENTENCE = re.compile(r".*?[^.]\.(?= )|.*")
# the numbers in whose names thousands are set apart
LARGE = {"n", "same", "asked", "from", "to", "length", "all", "listed"}


def language():
    """ru where the environment says so, en otherwise."""
    names = (os.environ.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
    return "ru" if next(filter(None, names), "").lower().startswith("ru") else "en"


def blocks(name):
    """[(what stands behind the = of a block, {field: text}), ...] of a file."""
    found = []
    field = None
    for number, line in enumerate((HERE / name).read_text("utf-8").splitlines(), 1):
        if line.startswith("= "):
            found.append((line[2:], {}))
        elif line.startswith(" "):
            found[-1][1][field] += " " + line.strip()
        elif line and not line.startswith("#"):
            field, _, text = line.partition(" ")
            if field in found[-1][1] or field not in FIELDS:
                raise ValueError(f"{name}:{number}: {line}")
            found[-1][1][field] = text
    return found


class Number:
    """{n:byte,bytes} is a number with its noun, in the form that goes with it."""

    def __init__(self, value, tongue, large):
        self.value = int(value)
        self.tongue = tongue
        self.large = large

    def __str__(self):
        if not self.large:
            return str(self.value)
        return f"{self.value:,}".replace(",", "," if self.tongue == "en" else "\N{NO-BREAK SPACE}")

    def __format__(self, forms):
        if not forms:
            return str(self)
        forms = forms.split(",")
        if self.tongue == "en":
            form = 0 if self.value == 1 else 1
        elif self.value % 10 == 1 and self.value % 100 != 11:
            form = 0
        elif 2 <= self.value % 10 <= 4 and not 12 <= self.value % 100 <= 14:
            form = 1
        else:
            form = 2
        return f"{self}\N{NO-BREAK SPACE}{forms[form]}"


def fill(text, tongue, values):
    def value(name, what):
        return Number(what, tongue, name in LARGE) if re.fullmatch(r"\d+", str(what)) else what

    return text.format(**{name: value(name, what) for name, what in values.items()
                          if what is not None})


class Rule:
    """A block of the file `calls`."""

    def __init__(self, when, fields):
        self.when = re.compile(when)
        self.most = int(fields.get("most", 3))
        self.again = int(fields.get("again", self.most))
        self.fields = fields


class Words:
    def __init__(self, tongue):
        self.tongue = tongue
        self.rules = [Rule(when, fields) for when, fields in blocks("calls")]
        self.texts = {name: fields[tongue] for name, fields in blocks("prose")}
        self.told = set()

    def text(self, key, **values):
        return fill(self.texts[key], self.tongue, values)

    def rule(self, subject):
        """The first that fits, and its groups."""
        for rule in self.rules:
            found = rule.when.search(subject)
            if found:
                return rule, found.groupdict()
        return None, {}

    def sentence(self, rule, values):
        """All of it the first time, afterwards a shorter one."""
        text = rule.fields[self.tongue]
        if rule in self.told:
            text = rule.fields.get(self.tongue + "+") or FIRST_SENTENCE.match(text)[0]
        self.told.add(rule)
        return fill(text, self.tongue, values)
