"""The log of a case as sentences: who did what, and when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Any, Final

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from markupsafe import Markup
from sqlalchemy.orm import Session

from app.cases.pages import room, words
from app.cases.pages.form_view import Option, controls_of
from app.cases.queries.case_file import Names, case_by_id, names_of
from app.cases.queries.choices import conditions_offered
from app.cases.queries.outline import Outline
from app.cases.tables import CaseLog
from app.modeling.bundles import forms_of
from app.modeling.queries import Deployed
from app.web.formats import local_at

# What is typed at length is quoted below the sentence.
_QUOTED: Final = ("reason", "opinion")

# Kind of row -> its sentence. A kind that is not listed is named as it is.
SENTENCES: Final[words.Words] = {
    "reported": _l("登记上报（%(channel)s）：%(title)s"),
    "completed": _l("办结“%(element)s”"),
    "claimed": _l("认领“%(element)s”"),
    "handed_back": _l("把“%(element)s”退回本组"),
    "assigned": _l("把“%(element)s”指派给%(person)s"),
    "photo_added": _l("上传照片（%(photo_stage)s）"),
    "filed": _l("立案为%(class)s，时限 %(limit)s"),
    "dispatched": _l("第 %(dispatch_no)s 次派遣，派给%(unit)s，应于 %(due)s 前办结"),
    "handed_in": _l("%(unit)s交回处置结果"),
    "rework": _l("第 %(no)s 次返工，交%(unit)s，应于 %(due)s 前办结"),
    "near_due": _l("临近到期，已提醒%(unit)s，应于 %(due)s 前办结"),
    "overdue": _l("超过时限 %(due)s，已通知%(unit)s"),
    "long_overdue": _l("严重超期，已报值班长，时限为 %(due)s"),
    "late": _l("“%(what)s”这一步超时"),
    "extension_requested": _l("申请延期%(amount)s"),
    "extension_granted": _l("同意第 %(no)s 项延期申请，应于 %(due)s 前办结"),
    "extension_refused": _l("不同意第 %(no)s 项延期申请"),
    "extension_lapsed": _l("处置已结束，第 %(no)s 项延期申请失效"),
    "hold_requested": _l("申请挂账至 %(hold_until)s"),
    "hold_granted": _l("同意挂账至 %(hold_until)s，停止计时"),
    "hold_refused": _l("不同意挂账"),
    "hold_released": _l("解除挂账，恢复计时，应于 %(due)s 前办结"),
    "return_requested": _l("申请退单"),
    "return_founded": _l("退单成立，从%(unit)s收回，重新派遣"),
    "return_unfounded": _l("退单不成立，%(unit)s记推诿一次，应于 %(due)s 前办结"),
    "supervision_requested": _l("发起第 %(no)s 号督办（%(source)s）"),
    "supervision_answered": _l("第 %(no)s 号督办已答复"),
    "reassigned": _l("机构调整，由%(from_unit)s改派%(unit)s，时限不变"),
    "feedback_satisfied": _l("市民反馈：已解决"),
    "feedback_unsatisfied": _l("市民反馈：未解决"),
    "ended": _l("案件结束：%(how)s"),
    "appealed": _l("%(unit)s申诉（%(ground)s）"),
    "appeal_refused": _l("申诉不成立（%(ground)s）"),
    "ruled": _l("申诉成立（%(ground)s），不再计扣"),
    "moved": _l("流程从版本 %(old_short)s 迁移到版本 %(new_short)s"),
    "move_undone": _l("撤回迁移，流程从版本 %(old_short)s 回到版本 %(new_short)s"),
}


@dataclass(frozen=True, slots=True)
class TimelineLine:
    """One sentence, with what was answered and what was said at length."""

    text: Markup
    quotes: tuple[str, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """What one person did at one moment."""

    at: datetime
    who: str
    lines: tuple[TimelineLine, ...]
    seqs: tuple[int, ...] = field(default=())


def timeline_of(
    session: Session, rows: Sequence[CaseLog], version: Deployed, outline: Outline
) -> list[TimelineEntry]:
    """Return rows of the log, newest first, as what was done at each moment."""
    teller = _Teller(session, rows, version, outline)
    entries = []
    for (at, label), group in groupby(rows, key=lambda row: (row.at, row.actor_label)):
        # Newest first between moments, in order within one: first what was done, then what followed.
        told = list(group)[::-1]
        lines = tuple(teller.line(row) for row in told)
        who = _("系统") if told[0].actor_id is None else label
        entries.append(TimelineEntry(at, who, lines, tuple(row.seq for row in told)))
    return entries


class _Teller:
    """Tell rows of one case's log."""

    def __init__(
        self, session: Session, rows: Sequence[CaseLog], version: Deployed, outline: Outline
    ) -> None:
        self._session = session
        self._outline = outline
        self._version = version
        self._schemas = forms_of(version.files)
        self._on = room.today()
        self._conditions: dict[Any, dict[int, str]] = {}
        said = [row.data for row in rows]
        self._names: Names = names_of(
            session,
            people=[*_numbers(said, "person_id"), *_numbers(said, "handler_id")],
            units=[*_numbers(said, "unit_id"), *_numbers(said, "from_unit_id")],
            classes=[data.get("class_code") for data in said],
        )

    def line(self, row: CaseLog) -> TimelineLine:
        """Return the sentence of one row."""
        sentence = SENTENCES.get(row.kind)
        if sentence is None:
            return TimelineLine(Markup("{}").format(row.kind))
        # Markup's % escapes what is put in, so a title cannot bring tags along.
        text = Markup(str(sentence)) % self._parts(row)  # noqa: S704 because a sentence is ours
        quotes = tuple(str(row.data[key]) for key in _QUOTED if row.data.get(key))
        facts = self._answers(row) if row.kind == "completed" else ()
        return TimelineLine(text, quotes, facts)

    def _parts(self, row: CaseLog) -> Mapping[str, object]:
        data = row.data
        return {
            **dict.fromkeys(("title", "no", "dispatch_no"), "—"),
            **{key: value for key, value in data.items() if isinstance(value, str | int)},
            "element": words.element_word(self._outline.names.get(row.element or "", "")),
            "unit": self._unit(data.get("unit_id")),
            "from_unit": self._unit(data.get("from_unit_id")),
            "person": self._names.people.get(data.get("person_id"), "—"),  # type: ignore[arg-type]  # None has no name
            "class": self._class(data.get("class_code")),
            "channel": words.channel_word(str(data.get("channel", ""))),
            "due": _moment(data.get("due_at")),
            "hold_until": _moment(data.get("hold_until")),
            "limit": self._limit(data.get("limit")),
            "amount": self._amount(data.get("amount")),
            "source": words.word(words.SOURCES, data.get("source")),
            "photo_stage": words.word(words.PHOTO_STAGES, data.get("stage")),
            "how": self._how(data),
            "what": words.word(_LATE_STEPS, data.get("what")),
            "ground": words.word(words.GROUNDS, data.get("ground")),
        }

    def _unit(self, unit_id: Any) -> str:
        return words.chosen_name(self._names.units.get(unit_id))

    def _class(self, code: Any) -> str:
        return words.chosen_name(self._names.classes.get(code), str(code or "—"))

    def _limit(self, limit: Any) -> str:
        return words.limit_words(limit) if limit else _("无时限")

    def _amount(self, amount: Any) -> str:
        return " " + words.limit_words(amount) if amount else ""

    def _how(self, data: Mapping[str, Any]) -> str:
        how = words.word(words.STAGES, data.get("how"))
        main_id = data.get("merged_into_id")
        main = case_by_id(self._session, main_id) if isinstance(main_id, int) else None
        return how if main is None else f"{how} → {main.number}"

    def _answers(self, row: CaseLog) -> tuple[tuple[str, str], ...]:
        """Return what was answered, in the words of the form; long texts are quoted instead."""
        key = self._outline.form_keys.get(row.element or "")
        if key is None or key not in self._schemas:
            return ()
        answers = {name: value for name, value in row.data.items() if name not in _QUOTED}
        controls = controls_of(self._schemas[key], self._version.form(key), answers, {})
        return tuple(
            (control.label, self._answer(control.key, control.options, answers))
            for control in controls
            if control.key in answers and not control.readonly
        )

    def _condition(self, class_code: Any, seq: Any) -> str:
        conditions = self._conditions.get(class_code)
        if conditions is None:
            conditions = self._conditions[class_code] = {
                entry.seq: entry.wording
                for entry in conditions_offered(self._session, class_code, self._on)
            }
        return conditions.get(seq, str(seq))

    def _answer(self, key: str, options: Sequence[Option], answers: Mapping[str, Any]) -> str:
        value = answers[key]
        match key:
            case "unit_id":
                return self._unit(value)
            case "handler_id":
                return self._names.people.get(value, str(value))
            case "class_code":
                return self._class(value)
            case "condition_seq":
                return self._condition(answers.get("class_code"), value)
            case "limit":
                return words.limit_words(value)
        texts = {option.value: option.text for option in options}
        return texts.get(str(value), str(value))


_LATE_STEPS: Final[words.Words] = {
    "verify": _l("核实"),
    "accept": _l("受理"),
    "dispatch": _l("派遣"),
    "check": _l("核查"),
}


def _numbers(said: Sequence[Mapping[str, Any]], key: str) -> list[int | None]:
    return [data[key] for data in said if isinstance(data.get(key), int)]


def _moment(text: Any) -> Markup:
    return local_at(datetime.fromisoformat(text) if isinstance(text, str) else None)
