// Decision tables in Chinese. What is missing here the canvas of diagrams may know.
import { translate as ofDiagrams } from "./chinese.js";

const words = {
  "View DRD": "看决策关系图", "Hit policy:": "命中规则：", "When": "当", "And": "且", "Then": "则", "Annotations": "说明",
  "Unique": "唯一", "First": "取第一条", "Any": "任一", "Collect": "全部收集", "Rule order": "按规则次序", "Priority": "按优先级",
  "Output order": "按结果次序", "Unique (U)": "唯一", "Aggregation:": "汇总：",
  "Add input": "添加条件", "Add output": "添加结果", "Add rule": "添加规则", "Input": "条件", "Output": "结果",
  "Input expression": "条件的来源", "Input expression: ": "条件的来源：", "Input label": "条件名称", "Input label: ": "条件名称：", "Input type": "条件类型", "Input values": "条件可取的值",
  "Output label": "结果名称", "Output label: ": "结果名称：", "Output name": "结果的变量", "Output name: ": "结果的变量：", "Output type": "结果类型", "Output values": "结果可取的值",
  "Decision name: ": "决策名称：", "Expression language": "表达式语言", "Type": "类型", "Value": "值", "Values": "值", "Delete": "删除",
  "Comparison": "比较", "Comparison operator": "比较方式", "Equals": "等于", "Less": "小于", "Less or equals": "不大于", "Greater": "大于",
  "Greater or equals": "不小于", "Range": "范围", "Include": "含", "Exclude": "不含", "Between": "介于", "Before": "早于", "After": "晚于", "Exactly": "正好",
  "Start value": "起始值", "End value": "终止值", "Test type": "判断方式", "Predefined values": "预定的值", "Match one": "符合其一", "Match none": "都不符合",
  "Add values": "添加值", "Set value": "设定值", "Edit number": "编辑数字", "Edit string": "编辑文字", "Edit date": "编辑日期", "Edit time": "编辑时间",
  "Edit date and time": "编辑日期和时间", "Edit duration": "编辑时长", "Use today": "用今天", "Use now": "用现在", "Yes": "是", "No": "否",
  "Strings must be in double quotes": "文字须用双引号括起", "Add rule above": "在上面添加规则", "Add rule below": "在下面添加规则", "Remove rule": "删除规则",
  "Copy rule": "复制规则", "Cut rule": "剪切规则", "Paste rule above": "粘贴到上面", "Paste rule below": "粘贴到下面",
  "Add input left": "在左边添加条件", "Add input right": "在右边添加条件", "Add output left": "在左边添加结果", "Add output right": "在右边添加结果",
  "Remove input column": "删除条件列", "Remove output column": "删除结果列", "Add description": "添加说明", "Add cell description": "添加说明", "Remove cell description": "删除说明",
  "Change cell expression language": "更改表达式语言", "Rule": "规则", "Input column": "条件列", "Output column": "结果列",
};

function translate(template, replacements = {}) {
  const text = words[template];
  if (!text) return ofDiagrams(template, replacements);
  return text.replace(/\{\s*([^}\s]+)\s*\}/g, (whole, name) => replacements[name] ?? whole);
}

export default { translate: ["value", translate] };
