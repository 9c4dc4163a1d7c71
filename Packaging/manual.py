#!/usr/bin/env python3
"""Usage: manual.py [--check] PROGRAMS

Writes anew what the manual's pages in the folder man repeat of the help of the programs, which lie in the folder
PROGRAMS: in each page, the lines between '.\\" BEGIN WHAT' and '.\\" END', where WHAT is "commands", or "shared" for
the options that several of them have alike. With --check it writes nothing, tells the difference, and ends with 1 where
there is any.
"""
import difflib
import json
import pathlib
import re
import subprocess
import sys

PAGES = {"dseg": "dseg.1", "dseg-bench": "dseg-bench.1", "dsegd": "dsegd.8"}
# The arguments of all commands, which the pages tell by themselves.
EVERYWHERE = {"--version", "-h, --help"}


def text(words):
    """A text of the help as lines of roff."""
    escaped = words.replace("\\", "\\e").replace("'", "\\(aq").replace("`", "\\(ga").replace("~", "\\(ti")
    escaped = re.sub(r"(?<![\w-])(--?)(?=\w)", lambda dashes: dashes[1].replace("-", "\\-"), escaped)
    # A sentence is a line, so that versions can be compared.
    lines = re.sub(r"(?<=[a-z0-9)]\.) (?=[A-Z])", "\n", escaped.replace("^", "\\(ha")).splitlines()
    return "\n".join("\\&" + line if line.startswith(".") else line for line in lines)


def sentence(words):
    return words if words.endswith((".", ")", ":")) else words + "."


class Argument:
    """An argument of a command; alike are those of which the same is told."""

    def __init__(self, told):
        flags = [("--" if name["kind"] == "long" else "-") + name["name"] for name in told.get("names", [])]
        self.name = ", ".join(flags) or told["valueName"]
        value = f" \\fI{text(told['valueName'])}\\fR"
        self.head = "\\fB" + self.name.replace("-", "\\-") + "\\fR" + (value if told["kind"] == "option" else "")
        if told["kind"] == "positional":
            self.head = value.strip()
        self.synopsis = self.head + (" ..." if told["isRepeating"] else "")
        self.is_needed = not told["isOptional"]
        self.is_word = told["kind"] == "positional"
        limits = [", ".join(told["allValues"])] if "allValues" in told else []
        if "defaultValue" in told:
            limits.append("default: " + told["defaultValue"])
        abstract = told.get("abstract", "")
        body = [abstract + (f" ({'; '.join(limits)})" if limits else ""), told.get("discussion", "")]
        self.body = text(" ".join(sentence(part) for part in body if part))

    def denies(self, other):
        """Whether this is the flag that takes the other back; the help tells the same of both."""
        return self.name == other.name.replace("--", "--no-", 1) and self.body == other.body

    @property
    def lines(self):
        return f".TP\n{self.head}\n{self.body}"

    def __eq__(self, other):
        return self.lines == other.lines

    def __hash__(self):
        return hash(self.lines)


class Command:
    def __init__(self, told, path):
        self.path = path
        self.about = "\n".join(
            text(sentence(told[key])) for key in ("abstract", "discussion") if told.get(key))
        arguments = [Argument(one) for one in told.get("arguments", []) if one["shouldDisplay"]]
        self.arguments = []
        for one in arguments:
            if self.arguments and one.denies(self.arguments[-1]):
                self.arguments[-1].head += ", " + one.head
            elif one.name not in EVERYWHERE:
                self.arguments.append(one)
        self.commands = [
            Command(one, [*path, one["commandName"]])
            for one in told.get("subcommands", []) if one["shouldDisplay"] and one["commandName"] != "help"]

    @property
    def all(self):
        """This command and those below it."""
        return [self] + [one for below in self.commands for one in below.all]

    @property
    def heading(self):
        words = [one.synopsis if one.is_needed else f"[{one.synopsis}]" for one in self.arguments if one.is_word]
        options = [one for one in self.arguments if not one.is_word]
        needed = [one.synopsis for one in options if one.is_needed]
        some = ["[\\fIoptions\\fR]"] if len(needed) < len(options) else []
        some += ["\\fIcommand\\fR"] if self.commands else []
        return ".SS " + " ".join(["\\fB" + " ".join(self.path) + "\\fR"] + some + needed + words)


def listed(names):
    return ", ".join("\\fB" + name.split(", ")[-1].replace("-", "\\-") + "\\fR" for name in names)


def section(command, shared, client):
    """A command's lines."""
    # dsegd's commands of one question take what dseg's of the same name do.
    same = [one for one in client.all if one.path[1:] == command.path[1:] and one.path != command.path]
    known = [argument for one in same for argument in one.arguments]
    own = [one for one in command.arguments if one not in known]
    lines = [command.heading, command.about]
    for one in same if known else []:
        missing = [one.name for one in known if one.name not in [other.name for other in command.arguments]]
        without = f", but for {listed(missing)}" if missing else ""
        also = (", and" if missing else " and") + " what follows" if own else ""
        lines.append(f"It takes what \\fB{' '.join(one.path)}\\fR takes (dseg(1)){without}{also}.")
    lines += [one.lines for one in own if one not in shared]
    others = [one.name for one in own if one in shared]
    return [line for line in lines if line] + ([f".PP\nShared options: {listed(others)}."] if others else [])


def page(old, program, client):
    commands = program.all[1:]
    uses = [argument for one in commands for argument in one.arguments if not argument.is_word]
    shared = [one for one in dict.fromkeys(uses) if uses.count(one) > 1]
    parts = {
        "shared": [one.lines for one in shared],
        "commands": [line for one in commands for line in section(one, shared, client)],
    }

    def filled(marks):
        return f"{marks[1]}\n" + "\n".join(parts[marks[2]]) + '\n.\\" END\n'

    return re.sub(r'^(\.\\" BEGIN (.+))\n(?:.*\n)*?\.\\" END\n', filled, old, flags=re.MULTILINE)


def main(words):
    is_check = words[:1] == ["--check"]
    folder = pathlib.Path(words[-1])
    programs = {}
    for name in PAGES:
        told = subprocess.run([folder / name, "--experimental-dump-help"], check=True, capture_output=True).stdout
        programs[name] = Command(json.loads(told)["command"], [name])
    differs = False
    for name, file in PAGES.items():
        path = pathlib.Path(__file__).parent / "man" / file
        old = path.read_text()
        new = page(old, programs[name], programs["dseg"])
        differs = differs or old != new
        if is_check:
            sys.stdout.writelines(difflib.unified_diff(old.splitlines(True), new.splitlines(True), file, "the help"))
        elif old != new:
            path.write_text(new)
    return 1 if is_check and differs else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
