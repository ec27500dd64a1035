"""What each command is called on the page of roles; one that is not here shows its own name."""

from __future__ import annotations

from typing import Final

from flask_babel import lazy_gettext as _l

COMMAND_WORDS: Final = {
    "ActivateVersion": _l("启用流程版本"),
    "AddPhoto": _l("上传照片"),
    "ApproveDraft": _l("批准并部署草稿"),
    "AssignItem": _l("指派承办人"),
    "AssignRole": _l("授予角色"),
    "ChangePassword": _l("修改自己的密码"),
    "ChangePerson": _l("修改人员"),
    "ChangeUnit": _l("修改单位"),
    "ClaimItem": _l("认领工作"),
    "CloseUnit": _l("停用单位"),
    "CompleteWork": _l("办结本人或本单位的工作"),
    "CreatePerson": _l("新建人员"),
    "CreateUnit": _l("新建单位"),
    "DeactivatePerson": _l("停用人员"),
    "DeployBundle": _l("部署流程"),
    "DropFilter": _l("删去自己的筛选"),
    "EnterCalendarYear": _l("录入日历年份"),
    "EnterEdition": _l("录入分类版本"),
    "EnterWorkingHours": _l("录入工作时间"),
    "HandBackItem": _l("退回认领的工作"),
    "LiftLockOut": _l("解除登录锁定"),
    "LoadCatalogue": _l("载入案件分类"),
    "MoveCases": _l("迁移在办案卷"),
    "MoveUnit": _l("移动单位"),
    "ProposeDraft": _l("提请部署草稿"),
    "RaiseSupervision": _l("督办案卷"),
    "ReassignUnit": _l("批量改派"),
    "RecordFeedback": _l("记录市民反馈"),
    "ReactivatePerson": _l("重新启用人员"),
    "RefreshPasswordHash": _l("登录时更新自己的密码摘要"),
    "RejectDraft": _l("退回草稿"),
    "ReleaseHold": _l("解除挂账"),
    "RemoveDraftFile": _l("移出草稿文件"),
    "ReopenUnit": _l("重新启用单位"),
    "ReportCase": _l("登记案卷"),
    "RequestExtension": _l("申请延期"),
    "RequestHold": _l("申请挂账"),
    "RequestReturn": _l("申请退单"),
    "RestoreDraftFile": _l("恢复草稿的历次内容"),
    "RevokeRole": _l("撤销角色"),
    "SaveDraft": _l("保存草稿"),
    "SaveDraftFile": _l("保存草稿文件"),
    "SaveFilter": _l("保存自己的筛选"),
    "SetPassword": _l("重设他人密码"),
    "StartDraft": _l("起草流程"),
    "UndoMove": _l("撤回迁移"),
    "UploadPeople": _l("上传人员表格"),
    "UploadUnits": _l("上传单位表格"),
    "WithdrawDraft": _l("撤回提请"),
}

CHANGE_WORDS: Final = {
    "unit_closed": _l("停用"),
    "unit_reopened": _l("重新启用"),
    "unit_moved": _l("移动"),
    "person_moved": _l("调动"),
    "person_deactivated": _l("停用账号"),
    "person_reactivated": _l("重新启用账号"),
}
