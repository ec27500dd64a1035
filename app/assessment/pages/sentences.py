"""How one dispatch of a case counts in a period, sentence by sentence: the rules of counting.yml and what they met."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from flask_babel import LazyString
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.assessment.queries import Basis, CountedCase
from app.assessment.tables import Appeal
from app.assessment.wording import RULE_WORDS
from app.cases.pages.words import GROUNDS, chosen_name
from app.web.formats import local_at
from app.web.language import language_code
from sla.counting_rules import Count, ExemptAs, OnTimeBy
from sla.indicators import Reason

# Why a case is due or is not -> the rule of counting.yml that says so.
_RULE_OF: Final[Mapping[Reason, str]] = {
    Reason.DUE_IN_PERIOD: "due_in_period",
    Reason.CARRIED_OVER: "carried_over",
    Reason.SELF_HANDLED: "self_handled",
    Reason.VOID: "void",
    Reason.TAKEN_BACK: "taken_back",
    Reason.HELD: "held_at_end",
    Reason.EXEMPT: "exempt",
}
_WITHOUT_RULE: Final[Mapping[Reason, LazyString]] = {
    Reason.NO_DEADLINE: _l("没有到期时间的案卷不计入应结案数：时限还没有开始，或正在停表。"),
    Reason.DUE_LATER: _l("期后到期的案卷计入它到期的那一期。"),
    Reason.SETTLED_BEFORE: _l("统计期开始前已经结案的案卷不再计入。"),
}


@dataclass(frozen=True, slots=True)
class Sentence:
    """One thing to say. about: what it is about.

    rule: what decided it, in words. key: the same as counting.yml has it.
    """

    about: str
    text: str
    rule: str = ""
    key: str = ""


@dataclass(frozen=True)
class Account:
    """One dispatch of a case in a period. appeal: what its unit appealed against, if it did."""

    case: CountedCase
    basis: Basis
    appeal: Appeal | None

    def sentences(self) -> list[Sentence]:
        """Return all there is to say, in the order in which the rules are asked."""
        told = [self._dispatch(), self._reason()]
        if self.case.membership.due:
            told += [*self._due(), self._closing(), *self._punctual(), *self._rework()]
        told += [*self._extensions(), *self._charges(), *self._appeal()]
        return told

    def _dispatch(self) -> Sentence:
        fact = self.case.fact
        if fact.self_handled:
            return Sentence(
                _("经过"), _("%(at)s 由发现者当场处置，没有派遣。", at=_at(fact.closed_at))
            )
        text = _(
            "第 %(n)s 次派遣，%(at)s 派给%(unit)s。",
            n=self.case.dispatch_no,
            at=_at(fact.dispatched_at),
            unit=chosen_name((self.case.unit_name or "", self.case.unit_name_en or "")),
        )
        return Sentence(_("派遣"), text)

    def _reason(self) -> Sentence:
        reason, rules = self.case.membership.reason, self.basis.rules
        label = reason.label(language_code())
        if reason in _WITHOUT_RULE:
            return Sentence(_("计入依据"), label, str(_WITHOUT_RULE[reason]))
        if reason is Reason.LEFT_OUT:
            left = rules.due_in_period is Count.LEAVE_OUT and self._falls_due_within()
            key = "due_in_period" if left else "carried_over"
        else:
            key = _RULE_OF[reason]
        return _by_rule(_("计入依据"), label, key, getattr(rules, key))

    def _falls_due_within(self) -> bool:
        due_at = self.case.fact.due_at
        return due_at is not None and self.basis.period.holds(due_at)

    def _due(self) -> Iterator[Sentence]:
        fact = self.case.fact
        if fact.due_at is None:
            return
        place = (
            _("在统计期之内") if self._falls_due_within() else _("在统计期开始之前，期初仍未结案")
        )
        text = _("%(at)s 到期，%(place)s，计入应结案数。", at=_at(fact.due_at), place=place)
        yield Sentence(_("到期"), text)

    def _closing(self) -> Sentence:
        closed, end = self.case.fact.closed_at, self.basis.period.end
        rule = self.basis.rules.closed_by
        if self.case.membership.closed:
            text = _("%(at)s 结案，计入结案数。", at=_at(closed))
        elif closed is None:
            text = _("到 %(end)s 还没有结案，计入超期未结。", end=_at(min(end, self.basis.as_of)))
        else:
            text = _(
                "%(at)s 结案，晚于期末 %(end)s，本期计入超期未结。", at=_at(closed), end=_at(end)
            )
        return _by_rule(_("结案"), text, "closed_by", rule)

    def _punctual(self) -> Iterator[Sentence]:
        member, fact, rules = self.case.membership, self.case.fact, self.basis.rules
        if not member.closed or fact.self_handled:
            return
        if fact.exempt and rules.exempt is ExemptAs.ON_TIME:
            yield _by_rule(_("按期"), _("裁定免责，计为按期。"), "exempt", rules.exempt)
            return
        by_unit = rules.on_time_by is OnTimeBy.HANDED_IN
        done = fact.stopped_at if by_unit else fact.closed_at
        facts = {"done": _at(done), "due": _at(fact.due_at)}
        if by_unit and member.on_time:
            text = _("%(done)s 交回处置结果，不晚于 %(due)s 到期，计为按期。", **facts)
        elif by_unit:
            text = _("%(done)s 交回处置结果，晚于 %(due)s 到期，计为超期。", **facts)
        elif member.on_time:
            text = _("%(done)s 结案，不晚于 %(due)s 到期，计为按期。", **facts)
        else:
            text = _("%(done)s 结案，晚于 %(due)s 到期，计为超期。", **facts)
        yield _by_rule(_("按期"), text, "on_time_by", rules.on_time_by)

    def _rework(self) -> Iterator[Sentence]:
        member, times = self.case.membership, self.case.fact.reworks
        if times:
            text = _("返工 %(n)s 次，计入返工案卷数。", n=times)
            if member.closed_reworked:
                text += " " + _("已结案，计入返工后结案数，不计入一次完成数。")
            if member.many_reworked:
                most = self.basis.rules.many_reworks
                text += " " + _("达到 %(n)s 次，计入多次返工案卷数。", n=most)
            yield Sentence(_("返工"), text)
        elif member.first_pass:
            yield Sentence(_("返工"), _("没有返工，计入一次完成数。"))

    def _extensions(self) -> Iterator[Sentence]:
        times = self.case.fact.extensions
        if not times:
            return
        text = _("准予延期 %(n)s 次，到期时间已含延期。", n=times)
        if self.case.membership.extended:
            text += " " + _("计入延期案卷数。")
        yield Sentence(_("延期"), text)

    def _charges(self) -> Iterator[Sentence]:
        member, fact, rules = self.case.membership, self.case.fact, self.basis.rules
        if fact.unfounded_returns:
            text = _(
                "本期有 %(n)s 次退单被裁定不成立，计推诿 %(counted)s 次。",
                n=fact.unfounded_returns,
                counted=member.unfounded_returns,
            )
            yield _by_rule(_("退单"), text, "unfounded_returns", rules.unfounded_returns)
        if fact.media_supervisions:
            text = _(
                "本期有 %(n)s 次媒体督办，计 %(counted)s 次。",
                n=fact.media_supervisions,
                counted=member.media_supervisions,
            )
            yield _by_rule(_("媒体督办"), text, "media_supervisions", rules.media_supervisions)
        if fact.supervisions:
            text = _("本期督办 %(n)s 次，计入督办数。", n=fact.supervisions)
            yield Sentence(_("督办"), text)

    def _appeal(self) -> Iterator[Sentence]:
        appeal = self.appeal
        if appeal is None or appeal.dispatch_no != self.case.dispatch_no:
            return
        ground = GROUNDS[appeal.ground]
        facts = {"ground": ground, "at": _at(appeal.decided_at)}
        if appeal.decision is None or appeal.decided_at is None:
            text = _("就“%(ground)s”的申诉还没有裁定。", ground=ground)
        elif appeal.decided_at > self.basis.as_of:
            text = _(
                "就“%(ground)s”的申诉在 %(at)s 裁定，晚于这些数字的截至时间，这里还没有计入。",
                **facts,
            )
        elif appeal.decision == "upheld":
            text = _("就“%(ground)s”的申诉 %(at)s 裁定成立，这一项已从数字中扣除。", **facts)
        else:
            text = _("就“%(ground)s”的申诉 %(at)s 裁定不成立，数字不变。", **facts)
        yield Sentence(_("申诉"), text)


def _by_rule(about: str, said: str, key: str, choice: StrEnum) -> Sentence:
    """Return a sentence with the rule that decided it, in words and as counting.yml has it."""
    words = RULE_WORDS[key, choice.value][0 if language_code().startswith("zh") else 1]
    return Sentence(about, said, words, f"{key}: {choice.value}")


def _at(moment: datetime | None) -> str:
    return str(local_at(moment).striptags())
