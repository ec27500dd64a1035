"""One workbook in a process of its own: python -m tests.bench.notice_once URL 2025-10 prints seconds and peak memory."""

from __future__ import annotations

import json
import resource
import sys
import time
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from app.assessment.notice.workbook import notice_workbook
from app.assessment.ranking import Month
from app.assessment.scored import scored
from app.db.session import engine_for


def main(url: str, written: str) -> None:
    zone, month = ZoneInfo("Asia/Shanghai"), Month.parse(written)
    with Session(engine_for(url, read_only=True)) as session:
        began = time.perf_counter()
        ranking = scored(session, month.period(zone))
        content = notice_workbook(session, ranking, month, zone, address="http://city.example/")
        seconds = time.perf_counter() - began
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "peak_mb": peak_mb, "bytes": len(content)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
