"""One workbook in a process of its own: python -m tests.bench.notice_once URL 2025-10 prints seconds and peak memory."""

from __future__ import annotations

import json
import resource
import sys
import time
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from app.assessment.ranking import Month, ranking_of
from app.assessment.workbook import workbook_of
from app.db.session import engine_for


def main(url: str, written: str) -> None:
    zone, month = ZoneInfo("Asia/Shanghai"), Month.parse(written)
    with Session(engine_for(url, read_only=True)) as session:
        began = time.perf_counter()
        content = workbook_of(session, ranking_of(session, month.period(zone)), month, zone)
        seconds = time.perf_counter() - began
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "peak_mb": peak_mb, "bytes": len(content)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
