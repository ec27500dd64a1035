// The canvas in Chinese: the community's catalogue, and what it leaves out of what is on this page.
import catalogue from "bpmn-js-i18n/translations/zn";

const more = {
  "General": "常规", "Documentation": "说明", "Name": "名称", "ID": "标识", "Executable": "可执行",
  "Element documentation": "元素说明", "User assignment": "人员分配", "Candidate groups": "候选角色",
  "Candidate users": "候选人", "Assignee": "办理人", "Due date": "到期时间", "Follow up date": "跟进时间",
  "Priority": "优先级", "Forms": "表单", "Form": "表单", "Type": "类型", "Form key": "表单键", "Implementation": "实现",
  "Topic": "主题", "Inputs": "输入", "Outputs": "输出", "Input parameters": "输入参数", "Output parameters": "输出参数",
  "Asynchronous continuations": "异步延续", "Before": "之前", "After": "之后", "Exclusive": "独占",
  "Job execution": "作业执行", "Retry time cycle": "重试周期", "Execution listeners": "执行监听器",
  "Task listeners": "任务监听器", "Extension properties": "扩展属性", "Field injections": "字段注入",
  "Timer": "定时器", "Value": "值", "Condition": "条件", "Condition expression": "条件表达式", "Expression": "表达式",
  "Multi-instance": "多实例", "Loop cardinality": "循环次数", "Collection": "集合", "Element variable": "元素变量",
  "Completion condition": "完成条件", "Called element": "被调用的流程", "Template": "模板", "Select": "选择",
  "Select a template": "选择模板", "Custom properties": "模板属性", "History cleanup": "历史清理", "Time to live": "保留时间",
  "Tasklist": "任务列表", "Startable": "可启动", "Version tag": "版本标签", "Candidate starter": "可启动者",
  "External task": "外部任务", "Message": "消息", "Signal": "信号", "Error": "错误", "Escalation": "升级",
  "No Issues": "没有问题", "Issues for child elements": "下级元素的问题", "Errors": "错误", "Start typing to search": "输入文字查找",
  "Toggle linting overlays": "显示或隐藏检查标记", "Toggle minimap": "显示或隐藏缩略图", "Open minimap": "打开缩略图",
  "Close minimap": "关闭缩略图", "Element is missing label/name": "缺少名称", "Gateway is missing label/name": "网关缺少名称",
  "Element is not connected": "没有与其他元素相连", "Process is missing end event": "流程缺少结束事件",
  "Process is missing start event": "流程缺少开始事件", "Sub process is missing end event": "子流程缺少结束事件",
  "Sub process is missing start event": "子流程缺少开始事件", "Element is an implicit end": "路径在此中断，未到结束事件",
  "Element is an implicit start": "此处没有流入，却不是开始事件", "Flow splits implicitly": "分叉须经网关",
  "Gateway forks and joins": "网关既分又合", "Gateway is superfluous. It only has one source and target.": "网关多余：只有一进一出",
  "Sequence flow is missing condition": "顺序流缺少条件", "SequenceFlow is a duplicate": "顺序流重复",
  "Duplicate outgoing sequence flows": "流出的顺序流重复", "Duplicate incoming sequence flows": "流入的顺序流重复",
  "Element overlaps with other element": "与其他元素重叠", "Element is outside of parent boundary": "超出所在容器",
  "Sub process has multiple blank start events": "子流程有多个空白开始事件", "Link event is missing link name": "链接事件缺少链接名",
  "An <Event-based Gateway> must have at least 2 outgoing <Sequence Flows>": "事件网关至少要有两条流出的顺序流",
  "A <Sequence Flow> outgoing from an <Event-based Gateway> must not be conditional": "事件网关流出的顺序流不能带条件",
  "Element type <bpmn:ComplexGateway> is discouraged": "不支持复杂网关，请改用排他、并行或包容网关",
  "Start event must be blank": "开始事件须为空白", "Process has multiple blank start events": "有多个空白开始事件",
  "Event has multiple event definitions": "事件有多个触发条件", "{errors} Errors, {warnings} Warnings": "{errors} 处错误，{warnings} 处提醒",
  "{errors} Error, {warnings} Warning": "{errors} 处错误，{warnings} 处提醒",
};

export function translate(template, replacements = {}) {
  const text = more[template] || catalogue[template] || template;
  return text.replace(/\{([^}]+)\}/g, (whole, name) => replacements[name] ?? whole);
}

export default { translate: ["value", translate] };
