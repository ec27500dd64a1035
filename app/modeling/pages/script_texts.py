"""The texts that the scripts of these pages show, in the reader's language."""

from __future__ import annotations

from flask_babel import gettext as _


def editor_texts() -> dict[str, str]:
    """Return the texts of the editor."""
    return {
        "saved": _("✓ 已保存"),
        "saving": _("… 正在保存"),
        "unsaved": _("● 有改动，即将保存"),
        "offline": _("▲ 未能保存到服务器，内容已存在本机，恢复连接后自动重试"),
        "signed_out": _("▲ 登录已失效，内容已存在本机；请在新窗口登录后点“重试”"),
        "stale": _("▲ 他人已先保存"),
        "refused": _("▲ 服务器没有接受"),
        "locked": _("草稿已提交或已部署，只能查看"),
        "no_faults": _("没有错误，可以提交审批。"),
        "fault_count": _("共 %(n)s 处错误", n="{n}"),
        "broken": _("这个文件画不出来，可直接修改原文："),
        "process": _("流程"),
        "leads_to": _("之后："),
        "attached": _("附在上面："),
        "unnamed": _("未命名"),
        "when": _("条件"),
        "limit": _("时限"),
        "limit_kind": _("写法"),
        "limit_amount": _("数量"),
        "limit_unit": _("单位"),
        "limit_clock": _("计时器"),
        "limit_duration": _("经过一段时间"),
        "limit_due": _("到期时"),
        "limit_before": _("到期之前"),
        "limit_after": _("到期之后"),
        "limit_other": _("其他写法"),
        "minutes": _("分钟"),
        "hours": _("小时"),
        "days": _("天"),
        "working_hours": _("工作时"),
        "working_days": _("工作日"),
        "rule_script": _("不运行脚本任务：请改为服务任务并选择主题"),
        "rule_form": _("人工任务须指定表单（formKey）"),
        "rule_group": _("人工任务须且只须指定一个候选角色"),
        "rule_topic": _("服务任务须指定主题（topic）"),
        **_kinds(),
    }


def _kinds() -> dict[str, str]:
    return {
        "bpmn:StartEvent": _("开始"),
        "bpmn:EndEvent": _("结束"),
        "bpmn:UserTask": _("人工任务"),
        "bpmn:ServiceTask": _("服务任务"),
        "bpmn:BusinessRuleTask": _("决策任务"),
        "bpmn:ScriptTask": _("脚本任务"),
        "bpmn:ReceiveTask": _("等待消息"),
        "bpmn:Task": _("任务"),
        "bpmn:CallActivity": _("调用流程"),
        "bpmn:SubProcess": _("子流程"),
        "bpmn:ExclusiveGateway": _("择一网关"),
        "bpmn:ParallelGateway": _("并行网关"),
        "bpmn:InclusiveGateway": _("多选网关"),
        "bpmn:EventBasedGateway": _("事件网关"),
        "bpmn:BoundaryEvent": _("边界事件"),
        "bpmn:IntermediateCatchEvent": _("等待事件"),
        "bpmn:IntermediateThrowEvent": _("抛出事件"),
    }


def compare_texts() -> dict[str, str]:
    """Return the texts of the comparison."""
    return {
        "added": _("新增"),
        "removed": _("删去"),
        "changed": _("改动"),
        "layout": _("移位"),
        "none": _("两份流程图没有差别。"),
        "broken": _("有一份画不出来，无法比较。"),
        "position": _("第 %(at)s 处，共 %(n)s 处", at="{at}", n="{n}"),
        "was": _("原为"),
        "now": _("现为"),
        "empty": _("空"),
    }
