"""A short random walk beside the stock engine; `python -m tests.engine.walks` is the long one."""

from __future__ import annotations

import pytest

from tests.engine import walks
from tests.engine.models import FEATURES, model_xml
from tests.engine.more_blocks import MORE


def test_random_walks_agree_with_the_stock_engine():
    count = walks.run(states=1500, timers=100)
    assert count.messages > 50
    assert count.largest < 8000


@pytest.mark.parametrize("block", sorted(MORE))
def test_random_walks_through_one_kind_of_block_agree(block):
    count = walks.Count()
    for seed in range(12):
        walks.walk(seed, frozenset({block, "exclusive", "boundary"}), count)
    assert count.states > 24


def test_every_feature_occurs_in_the_models():
    texts = b"".join(model_xml(seed, True, walks.FEATURES) for seed in range(150))
    for wanted in (
        *(b"inclusiveGateway", b"parallelGateway", b"eventBasedGateway", b"callActivity"),
        *(b"errorEventDefinition", b"escalationEventDefinition", b"terminateEventDefinition"),
        *(
            b"standardLoop",
            b'isSequential="true"',
            b"completionCondition",
            b"signalEventDefinition",
        ),
        *(b"triggeredByEvent", b"timeCycle", b'cancelActivity="false"', b"intermediateThrowEvent"),
    ):
        assert wanted in texts, wanted
    assert FEATURES < walks.FEATURES
