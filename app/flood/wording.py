"""What the things of the flood room are called: in Chinese, as documents say it; pages say it in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from app.errors import Text

Words = Mapping[str, Text]

# Names that the shipped diagrams of this room give to what people do.
ELEMENTS: Final = (
    Text("启动应急响应"), Text("复盘本场降雨"), Text("确认收到"), Text("出发前往"), Text("到达现场"), Text("完成任务"),
)  # fmt: skip
RESPONSES: Final[Mapping[int, Text]] = {
    0: Text("未启动响应"), 1: Text("Ⅳ级响应"), 2: Text("Ⅲ级响应"), 3: Text("Ⅱ级响应"), 4: Text("Ⅰ级响应"),
}  # fmt: skip
REPORTS: Final[Words] = {
    "before": Text("雨前报告"),
    "during": Text("雨中报告"),
    "after": Text("雨后报告"),
}
ORIGINS: Final[Words] = {"measured": Text("实测"), "forecast": Text("预报")}
DUTY: Final[Mapping[str, tuple[str, Text]]] = {
    "present": ("✓", Text("在岗")),
    "off_place": ("▲", Text("不在位")),
    "missing": ("●", Text("缺岗")),
    "expected": ("○", Text("未到时间")),
}
ORDERS: Final[Mapping[str, tuple[str, Text]]] = {
    "issued": ("○", Text("已下达")),
    "acknowledged": ("◔", Text("已收到")),
    "on_way": ("◑", Text("途中")),
    "on_site": ("◕", Text("到场")),
    "done": ("✓", Text("完成")),
    "refused": ("✕", Text("拒绝")),
    "cancelled": ("—", Text("已撤回指令")),
}
STEPS: Final[Words] = {
    "T_acknowledge": Text("收到，接受指令"),
    "T_on_way": Text("已出发"),
    "T_on_site": Text("已到现场"),
    "T_done": Text("任务完成"),
}
TRUCKS: Final[Mapping[str, tuple[str, Text]]] = {
    "standby": ("○", Text("待命")),
    "on_way": ("◑", Text("途中")),
    "working": ("●", Text("抽排中")),
    "out_of_order": ("✕", Text("故障")),
}
COMMANDS: Final[Mapping[str, tuple[str, Text]]] = {
    "none": ("○", Text("尚未下达过命令")),
    "sent": ("◔", Text("已发出，等待设备答复")),
    "acknowledged": ("✓", Text("设备已执行")),
    "failed": ("✕", Text("未能执行")),
    "unanswered": ("▲", Text("设备没有答复")),
}
ACTIONS: Final[Words] = {
    "sound": Text("鸣响"), "silence": Text("停止"), "lower": Text("落杆"), "raise": Text("抬杆"),
}  # fmt: skip
# What somebody who commands such a device is told before it happens.
EFFECTS: Final[Words] = {
    "sound": Text("现场将立即响起警报，影响过往行人和车辆。"),
    "silence": Text("现场警报将立即停止。"),
    "lower": Text("道闸将立即落下，封闭道路：请先确认杆下没有车辆和行人。"),
    "raise": Text("道闸将立即抬起，道路恢复通行：请先确认积水已退。"),
}
WAYS: Final[Words] = {"sms": Text("短信"), "call_out": Text("语音电话")}
FIGURES: Final[Words] = {
    "forecast_rain": Text("预报雨量最大的区县"),
    "likely_to_flood": Text("可能积水的点位"),
    "staff_due": Text("应到岗人员"),
    "measured_rain": Text("实测累计雨量最大的雨量站"),
    "rain_by_district": Text("平均雨量最大的区县"),
    "points_with_water": Text("有积水的点位"),
    "peaks": Text("最大积水深度"),
    "open_alerts": Text("未解除的预警"),
    "alerts_by_level": Text("预警"),
    "cases_raised": Text("生成的案件"),
    "cases_closed": Text("已结案件"),
    "orders": Text("下达的指令"),
    "on_duty": Text("在岗人员"),
    "missing": Text("缺岗人员"),
    "people_deployed": Text("投入人员"),
    "pump_hours": Text("泵车抽排时间"),
    "course": Text("全过程"),
    "review": Text("复盘"),
}
UNITS: Final[Words] = {
    "forecast_rain": Text("毫米"), "measured_rain": Text("毫米"), "rain_by_district": Text("毫米"),
    "likely_to_flood": Text("处"), "points_with_water": Text("处"), "peaks": Text("厘米"),
    "open_alerts": Text("条"), "alerts_by_level": Text("条"), "cases_raised": Text("件"),
    "cases_closed": Text("件"), "orders": Text("条"), "staff_due": Text("人"), "on_duty": Text("人"),
    "missing": Text("人"), "people_deployed": Text("人"), "pump_hours": Text("小时"), "course": Text("项"),
}  # fmt: skip
# What each figure's lines show, in this order. A stored report has lost the order of its own: PostgreSQL sorts the keys
# of JSON.
SHOWN: Final[Mapping[str, tuple[str, ...]]] = {
    "forecast_rain": ("district", "source", "issued_at", "mm", "hour_mm", "three_hours_mm"),
    "likely_to_flood": ("name", "kind", "district", "level", "hour_mm", "three_hours_mm", "alerts"),
    "staff_due": ("person", "phone", "unit", "name", "from_at", "to_at"),
    "measured_rain": ("name", "mm", "hour_mm", "three_hours_mm", "at"),
    "rain_by_district": ("district", "gauges", "mean_mm", "mm"),
    "points_with_water": ("name", "kind", "district", "depth", "at", "peak", "peak_at"),
    "peaks": ("name", "kind", "district", "depth", "at", "peak", "peak_at"),
    "open_alerts": ("name", "kind", "rule", "opened_at", "peak", "top_level", "level"),
    "alerts_by_level": (
        "level", "alerts", "confirmed", "confirmed_after_minutes", "closed", "closed_after_minutes", "withdrawn",
    ),
    "cases_raised": ("number", "title", "name", "reported_at", "closed_at"),
    "cases_closed": ("number", "title", "name", "reported_at", "closed_at"),
    "orders": (
        "text", "given_to", "name", "issued_at", "acknowledged_at", "on_way_at", "on_site_at", "done_at", "state",
    ),
    "on_duty": ("person", "unit", "name", "on_at", "distance_m"),
    "missing": ("person", "phone", "unit", "name", "from_at", "to_at", "since"),
    "people_deployed": ("unit", "people", "hours"),
    "pump_hours": ("plate", "unit", "capacity_m3h", "hours", "m3"),
    "course": ("at", "what", "name", "level"),
}  # fmt: skip
# Figures that count people and whose lines are their shifts: there are more of these.
BY_SHIFT: Final = frozenset({"staff_due", "missing"})
# What a figure was counted with, in this order.
PARAMETERS: Final[Words] = {
    "event": Text("降雨场次编号"), "from_at": Text("自"), "as_of": Text("统计时间"), "written_at": Text("成文时间"),
    "hours": Text("预报时长"), "grace": Text("允许迟到"), "wet_cm": Text("积水不少于"),
}  # fmt: skip
# Columns of a figure's lines that people read; ids and second names are not among them.
COLUMNS: Final[Words] = {
    "at": Text("时间"), "what": Text("事项"), "name": Text("点位"), "district": Text("区县"), "kind": Text("场景"),
    "level": Text("等级"), "top_level": Text("最高等级"), "rule": Text("规则"), "source": Text("预报来源"),
    "issued_at": Text("发布"), "mm": Text("累计（毫米）"), "mean_mm": Text("平均（毫米）"), "gauges": Text("雨量站"),
    "hour_mm": Text("1 小时（毫米）"), "three_hours_mm": Text("3 小时（毫米）"), "alerts": Text("预警次数"),
    "depth": Text("当前（厘米）"), "peak": Text("最高（厘米）"), "peak_at": Text("最高时间"),
    "opened_at": Text("开始"), "confirmed": Text("已确认"), "confirmed_after_minutes": Text("确认用时中位数（分）"),
    "closed": Text("已解除"), "closed_after_minutes": Text("解除用时中位数（分）"), "withdrawn": Text("未恢复即终止"),
    "number": Text("案卷号"), "title": Text("案由"), "reported_at": Text("上报"), "closed_at": Text("结案"), "text": Text("指令"),
    "given_to": Text("下达给"), "acknowledged_at": Text("收到"), "on_way_at": Text("出发"), "on_site_at": Text("到场"),
    "done_at": Text("完成"), "state": Text("状态"), "person": Text("人员"), "phone": Text("电话"), "unit": Text("单位"),
    "from_at": Text("上岗"), "to_at": Text("下岗"), "since": Text("缺岗自"), "on_at": Text("到岗"),
    "distance_m": Text("距点位（米）"), "people": Text("人数"), "hours": Text("小时"), "plate": Text("车牌"),
    "capacity_m3h": Text("排水量（立方米/时）"), "m3": Text("估算抽排（立方米）"), "done": Text("处置经过"),
    "lessons": Text("问题与改进"), "by": Text("填写人"),
}  # fmt: skip
HAPPENINGS: Final[Words] = {
    "rain_level": Text("雨情等级"), "response": Text("启动响应"), "rain_over": Text("降雨结束"),
    "report_before": Text("雨前报告"), "report_during": Text("雨中报告"), "report_after": Text("雨后报告"),
    "alert_opened": Text("积水预警"), "alert_closed": Text("预警解除"), "alert_withdrawn": Text("预警未恢复即终止"),
    "order_issued": Text("下达指令"), "order_done": Text("指令完成"), "roll_call": Text("点名"), "device_command": Text("设备命令"),
}  # fmt: skip


def columns_of(figure: Mapping[str, Any]) -> list[str]:
    """Return the columns of a stored figure's lines that people read, in order."""
    line = figure["lines"][0] if figure["lines"] else {}
    return [name for name in SHOWN.get(figure["key"], COLUMNS) if name in line]
