"""CloudWatch in moto: keeps alarms, but nothing ever becomes of them, and nobody hears of it.

Gaps filled here, each in its module:
- an alarm is OK as soon as it is put, and again whenever it is put again; here it begins without data, and
  an update leaves its state, tags and ARN alone (`alarm_states`);
- composite alarms cannot be put, have no state of their own and are listed unasked (`alarm_rule`,
  `alarm_states`, `alarm_operations`);
- alarms over many time series know none of them (`contributors`);
- changes reach no bus (`alarm_details`);
- tags outlive their alarm, and lists of alarms have neither filters nor pages (`alarm_operations`);
- templates cannot create alarms (`templates`).
"""

from embedded_aws.moto_additions.cloudwatch.alarm_states import AlarmStates
from embedded_aws.moto_additions.cloudwatch.contributors import set_contributor_state
from embedded_aws.moto_additions.cloudwatch.templates import TemplateAlarm, TemplateCompositeAlarm, put_alarm

__all__ = ["AlarmStates", "TemplateAlarm", "TemplateCompositeAlarm", "put_alarm", "set_contributor_state"]
