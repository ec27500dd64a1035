"""A scheme as rows of a form, and back: a row for each line, those of a group after it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from app.errors import InvalidInput, Text
from sla.schemes import FIELDS_OF, Kind

HEAD: Final = (
    "name", "name_en", "total", "decimals", "ranked_by", "highest_first", "minimum_cases", "scheme_note",
)  # fmt: skip
_PLAIN: Final = (
    "kind", "code", "name", "name_en", "indicator", "population", "points", "target", "each", "per",
    "cap", "free", "double_for", "better", "missing",
)  # fmt: skip
FIELDS: Final = (*_PLAIN, "bands", "bonus", "inner")
MOST_ROWS: Final = 120
_ACTION: Final = re.compile(r"(add|remove|up|down|refresh)-(\d{1,3})")
_BAND: Final = re.compile(r"[\s,，;；:：~～至到]+")
_OPEN_ENDED: Final = frozenset({"-", "—", "以上", "up", ""})


@dataclass
class SchemeForm:
    """What stands in the form: the head's fields and a dictionary for each row. focus: the row to look at."""

    head: dict[str, str] = field(default_factory=dict)
    rows: list[dict[str, str]] = field(default_factory=list)
    focus: int | None = None

    @classmethod
    def of_plain(cls, plain: Mapping[str, Any]) -> SchemeForm:
        """Return the form of a scheme as it is stored."""
        head = {name: _text(plain.get(name)) for name in HEAD if name != "scheme_note"}
        head["scheme_note"] = _text(plain.get("note"))
        head["highest_first"] = "" if plain.get("highest_first") is False else "1"
        form = cls(head)
        for line in plain.get("lines", ()):
            form.rows.append(_row_of(line, inner=False))
            form.rows += [_row_of(one, inner=True) for one in line.get("lines", ())]
        return form

    @classmethod
    def of_request(cls, given: Mapping[str, str]) -> SchemeForm:
        """Return the form as it was sent."""
        head = {name: given.get(name, "").strip() for name in HEAD}
        written = given.get("rows", "0")
        number = min(int(written), MOST_ROWS) if written.isdecimal() else 0
        rows = [
            {name: given.get(f"row-{at}-{name}", "").strip() for name in FIELDS}
            for at in range(number)
        ]
        return cls(head, rows)

    def change(self, action: str) -> bool:
        """Add, remove, move or only redraw a row as a button asked; tell whether it was such a button."""
        match = _ACTION.fullmatch(action)
        if match is None:
            return False
        what, at = match[1], int(match[2])
        if what == "add" and at <= len(self.rows) < MOST_ROWS:
            inside = at > 0 and (self.rows[at - 1]["inner"] or self.rows[at - 1]["kind"] == "group")
            kind = Kind.DEDUCTION if inside else Kind.RATE
            self.rows.insert(at, _empty(kind, inner=bool(inside)))
            self.focus = at
        elif what == "remove" and at < len(self.rows):
            del self.rows[at]
            self.focus = min(at, len(self.rows) - 1)
        elif what == "refresh":
            self.focus = at
        else:
            other = at - 1 if what == "up" else at + 1
            if 0 <= other < len(self.rows) and at < len(self.rows):
                self.rows[at], self.rows[other] = self.rows[other], self.rows[at]
                self.focus = other
        return True

    def labels(self) -> list[str]:
        """Return the rows' numbers as people count them: 1, 2, 2.1, 2.2, 3."""
        return [path_label(path) for path in self.paths()]

    def paths(self) -> list[str]:
        """Return where each row stands in the scheme: lines.1., lines.1.lines.0."""
        found, line, inner = [], -1, -1
        for row in self.rows:
            if row["inner"] and line >= 0:
                inner += 1
                found.append(f"lines.{line}.lines.{inner}.")
            else:
                line, inner = line + 1, -1
                found.append(f"lines.{line}.")
        return found

    def as_plain(self) -> dict[str, Any]:
        """Return the scheme that the form describes. Raises InvalidInput for what cannot be read as one."""
        faults: dict[str, str] = {}
        lines: list[dict[str, Any]] = []
        used = {row["code"] for row in self.rows if row["code"]}
        for at, row in enumerate(self.rows):
            line = self._line(at, row, faults)
            line["code"] = row["code"] = row["code"] or _free_code(used)
            used.add(row["code"])
            if not row["inner"]:
                lines.append(line)
            elif lines and lines[-1]["kind"] == Kind.GROUP:
                lines[-1].setdefault("lines", []).append(line)
            else:
                fault = Text("第 %(line)s 行：上面没有可以归入的一组", line=self.labels()[at])
                faults[f"row-{at}-inner"] = fault
        if faults:
            raise InvalidInput(faults)
        head = self.head
        return {
            "name": head["name"],
            "name_en": head["name_en"],
            "note": head["scheme_note"],
            "total": head["total"],
            "decimals": head["decimals"] or None,
            "ranked_by": head["ranked_by"],
            "highest_first": bool(head["highest_first"]),
            "minimum_cases": head["minimum_cases"] or None,
            "lines": lines,
        }

    def named(self, faults: Mapping[str, str]) -> dict[str, str]:
        """Return faults by the form's field: "lines.1.lines.0.each" is "row-3-each"."""
        paths = self.paths()
        found = {}
        for key, fault in faults.items():
            # The longest path that leads there: a line of a group is also within its group.
            at = max(
                (at for at, path in enumerate(paths) if key.startswith(path)),
                key=lambda at: len(paths[at]),
                default=None,
            )
            if at is None:
                found["scheme_note" if key == "note" else key] = fault
            else:
                found[f"row-{at}-{key.removeprefix(paths[at])}"] = fault
        return found

    def _line(self, at: int, row: Mapping[str, str], faults: dict[str, str]) -> dict[str, Any]:
        """Return a row as a line: what its way of counting has no use for is left behind."""
        kind = row["kind"]
        if kind not in tuple(Kind):
            return {"kind": kind}
        needed, possible = FIELDS_OF[Kind(kind)]
        wanted = {"kind", "name", "name_en", *needed, *possible}
        line: dict[str, Any] = {name: row[name] for name in _PLAIN if name in wanted and row[name]}
        if "bonus" in wanted:
            line["bonus"] = bool(row["bonus"])
        if "bands" in wanted:
            try:
                line["bands"] = bands_of(row["bands"])
            except InvalidInput as error:
                label = self.labels()[at]
                fault = Text("第 %(line)s 行：%(fault)s", line=label, fault=error.fields["bands"])
                faults[f"row-{at}-bands"] = fault
        return line


def bands_of(written: str) -> list[dict[str, str | None]]:
    """Read bands, one to a line: from, below, score. The last has - instead of its end."""
    bands: list[dict[str, str | None]] = []
    for number, line in enumerate(filter(None, map(str.strip, written.splitlines())), start=1):
        parts = _BAND.split(line)
        if len(parts) != 3:
            fault = Text("第 %(n)s 档应写作“0 3 90”：起、止、得分", n=number)
            raise InvalidInput({"bands": fault})
        below = None if parts[1] in _OPEN_ENDED else parts[1]
        bands.append({"from": parts[0], "below": below, "score": parts[2]})
    return bands


def path_label(path: str) -> str:
    """Return the number of a line as people count: lines.3.lines.0. is 4.1."""
    return ".".join(str(int(number) + 1) for number in re.findall(r"lines\.(\d+)", path))


def _row_of(line: Mapping[str, Any], *, inner: bool) -> dict[str, str]:
    row = {name: _text(line.get(name)) for name in _PLAIN}
    row["bands"] = "\n".join(
        f"{band['from']} {band.get('below') or '-'} {band['score']}"
        for band in line.get("bands", ())
    )
    row["bonus"] = "1" if line.get("bonus") else ""
    row["inner"] = "1" if inner else ""
    return row


def _empty(kind: Kind, *, inner: bool) -> dict[str, str]:
    return dict.fromkeys(FIELDS, "") | {"kind": kind.value, "inner": "1" if inner else ""}


def _free_code(used: set[str]) -> str:
    return next(code for number in range(1, 10_000) if (code := f"line_{number}") not in used)


def _text(value: object) -> str:
    return "" if value is None else str(value)
