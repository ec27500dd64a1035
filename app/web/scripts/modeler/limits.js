// A timer's limit, chosen instead of written: an amount with its unit, or a clock of the case.
import { SelectEntry, TextFieldEntry, isSelectEntryEdited, isTextFieldEntryEdited } from "@bpmn-io/properties-panel";
import { h } from "@bpmn-io/properties-panel/preact";

const DURATION = /^P(?:T(\d+)([MH])|(\d+)D)$/;
const CALLED = /^(due|before_due|after_due)\(\s*"([^"]*)"\s*(?:,\s*"(\d+(?:\.\d+)?) (\w+)"\s*)?\)$/;
const UNITS = { minutes: "minutes", hours: "hours", days: "days" };

const timerOf = (element) =>
  (element.businessObject.eventDefinitions || []).find((one) => one.$type === "bpmn:TimerEventDefinition");

// Return {kind, amount, unit, clock} of a timer; kind "other" for what this form does not write.
export function readLimit(timer) {
  const text = (timer.timeDate || timer.timeDuration || timer.timeCycle)?.body?.trim() || "";
  const duration = DURATION.exec(text);
  if (duration && timer.timeDuration) {
    const unit = duration[3] ? "days" : duration[2] === "M" ? "minutes" : "hours";
    return { kind: "duration", amount: duration[1] || duration[3], unit, clock: "handling" };
  }
  const called = CALLED.exec(text);
  if (called) return { kind: called[1], clock: called[2], amount: called[3] || "1", unit: called[4] || "working_hour" };
  return { kind: text ? "other" : "", amount: "1", unit: "minutes", clock: "handling" };
}

export function limitText({ kind, amount, unit, clock }) {
  if (kind === "duration") {
    const known = UNITS[unit] || "minutes";
    return known === "days" ? `P${amount}D` : `PT${amount}${known === "hours" ? "H" : "M"}`;
  }
  if (kind === "due") return `due("${clock}")`;
  return `${kind}("${clock}", "${amount} ${unit in UNITS ? "working_hour" : unit}")`;
}

class LimitProvider {
  constructor(propertiesPanel, modeling, bpmnFactory, debounceInput, texts) {
    Object.assign(this, { modeling, bpmnFactory, debounceInput, texts });
    propertiesPanel.registerProvider(400, this);
  }

  getGroups(element) {
    return (groups) => {
      const timer = timerOf(element);
      if (!timer) return groups;
      const own = { id: "jingwei-limit", label: this.texts.limit, entries: this._entries(element, timer) };
      return [groups[0], own, ...groups.slice(1)];
    };
  }

  _write(element, timer, change) {
    const limit = { ...readLimit(timer), ...change };
    if (!limit.kind || limit.kind === "other") return;
    const expression = this.bpmnFactory.create("bpmn:FormalExpression", { body: limitText(limit) });
    expression.$parent = timer;
    const isDuration = limit.kind === "duration";
    this.modeling.updateModdleProperties(element, timer, {
      timeDuration: isDuration ? expression : undefined,
      timeDate: isDuration ? undefined : expression,
      timeCycle: undefined,
    });
  }

  _entries(element, timer) {
    const { texts } = this;
    const limit = readLimit(timer);
    const kinds = [
      ["", ""], ["duration", texts.limit_duration], ["due", texts.limit_due],
      ["before_due", texts.limit_before], ["after_due", texts.limit_after], ["other", texts.limit_other],
    ];
    const entries = [this._select(element, timer, "kind", texts.limit_kind, kinds)];
    if (["duration", "before_due", "after_due"].includes(limit.kind)) {
      const units = limit.kind === "duration"
        ? [["minutes", texts.minutes], ["hours", texts.hours], ["days", texts.days]]
        : [["working_hour", texts.working_hours], ["working_day", texts.working_days], ["day", texts.days]];
      entries.push(this._text(element, timer, "amount", texts.limit_amount, /^[1-9]\d{0,5}$/));
      entries.push(this._select(element, timer, "unit", texts.limit_unit, units));
    }
    if (["due", "before_due", "after_due"].includes(limit.kind)) {
      entries.push(this._text(element, timer, "clock", texts.limit_clock, /^[a-z][a-z0-9_]*$/));
    }
    return entries;
  }

  _select(element, timer, name, label, options) {
    const component = () =>
      h(SelectEntry, {
        id: `jingwei-limit-${name}`, element, label,
        getValue: () => readLimit(timer)[name],
        setValue: (value) => this._write(element, timer, { [name]: value }),
        getOptions: () => options.map(([value, text]) => ({ value, label: text })),
      });
    return { id: `jingwei-limit-${name}`, component, isEdited: isSelectEntryEdited };
  }

  _text(element, timer, name, label, allowed) {
    const component = () =>
      h(TextFieldEntry, {
        id: `jingwei-limit-${name}`, element, label, debounce: this.debounceInput,
        getValue: () => readLimit(timer)[name],
        setValue: (value) => allowed.test(value || "") && this._write(element, timer, { [name]: value }),
        validate: (value) => (allowed.test(value || "") ? undefined : String(allowed.source)),
      });
    return { id: `jingwei-limit-${name}`, component, isEdited: isTextFieldEntryEdited };
  }
}
LimitProvider.$inject = ["propertiesPanel", "modeling", "bpmnFactory", "debounceInput", "config.jingweiTexts"];

export default { __init__: ["jingweiLimits"], jingweiLimits: ["type", LimitProvider] };
